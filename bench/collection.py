"""What collecting costs and survives, against a mock endpoint with faults that keeps a ledger of what it billed.

python bench/collection.py --mock PATH/mock_endpoint.py            # shortened
python bench/collection.py --mock PATH/mock_endpoint.py --whole --write   # 100,000 requests, 200 kills; writes the page

Clients beside ours (openai, httpx) are timed where they are installed.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import importlib.util
import json
import os
import platform
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from collection_clients import CLIENTS
from hydrometer.collect import Budget, Price, plan_questions
from hydrometer.collect.run import Collected, Settings, collect
from hydrometer.records.probes import Probe
from hydrometer.store.evidence import read_answers
from hydrometer.store.evidence.check import check_store
from hydrometer.targets import Request
from hydrometer.targets.endpoint import Endpoint, EndpointOptions
from hydrometer.targets.replay import Replay

PAGE = Path(__file__).parent.parent / "docs/benchmarks/collection.md"
CANARY = "sk-canary-9b1f44d0c2e7"
UNBILLED = ["e400", "e401", "e429", "e429date", "e429nohdr", "e500", "e502html", "e503", "e529", "drop_before", "rst"]
BROKEN = [
    "drop_after",
    "truncate",
    "malformed",
    "html200",
    "barestr",
    "badutf8",
    "emptybody",
    "nochoices",
    "errbody200",
]
USABLE = ["nullcontent", "toolong", "refusal", "slow", "drip", "huge", "deep", "bidi", "inject", "wrongmodel"]
FAULTS = [*UNBILLED, "hang", *BROKEN, *USABLE, "dupheader"]


class Mock:
    """The mock endpoint in a process of its own."""

    def __init__(self, script: Path) -> None:
        """Starts it."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        options = [
            "--latency-ms",
            "2",
            "--huge-mb",
            "1",
            "--retry-after",
            "0.2",
            "--slow-s",
            "1",
            "--max-seconds",
            "7200",
        ]
        command = [sys.executable, str(script), "--port", str(port), *options, "--max-faults-per-key", "1"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with contextlib.suppress(OSError):
                self("/_health")
                return
            time.sleep(0.05)

    def __call__(self, path: str, body: Any = None) -> Any:
        """Returns what one of its own addresses says."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.address + path, data=data), timeout=60) as reply:
            return json.loads(reply.read())

    def fresh(self, faults: dict[str, float], **options: Any) -> None:
        """Forgets its ledger and takes new settings."""
        self("/_reset", {})
        self("/_config", {"faults": faults, "latency_ms": 2, "swap_after": 0, "require_key": "", **options})


def probes(n: int, start: str = "Question") -> list[Probe]:
    """Returns n probes."""
    return [Probe(id=f"p{i}", prompt=f"{start} {i}?") for i in range(n)]


def ask(mock: Mock, n: int, store: Path, *, concurrency: int = 64, canaries: int = 0, **options: Any) -> Collected:
    """Asks n probes of the mock."""
    timeout = options.pop("timeout", 20.0)
    target = Endpoint(f"{mock.address}/v1", model="mock", options=EndpointOptions(timeout=timeout))
    base = Request(prompt="", max_tokens=128)
    plan = plan_questions(probes(n), base=base, canaries=canaries)
    return collect(target, plan, store, settings=Settings(concurrency=concurrency, **options))


def faults(mock: Mock, folder: Path, n: int) -> str:
    """Every fault once for every prompt."""
    lost = unusable = unrecorded = 0
    for fault in FAULTS:
        mock.fresh({fault: 1.0})
        store = folder / f"{fault}.db"
        done = ask(mock, n, store, timeout=3.0 if fault == "hang" else 20.0)
        kept = [a for a in read_answers(store) if a.status in {"answered", "truncated", "refused", "empty"}]
        lost += n - len(kept)
        # What the script says is no answer must never be kept as one.
        unusable += sum(a.status == "answered" and not (a.text or "").strip() for a in kept)
        unrecorded += mock("/_ledger")["totals"]["received"] - done.spend.requests
        assert not check_store(store).findings
    return (
        f"| {len(FAULTS)} faults × {n} prompts | {lost} lost, {unusable} unusable accepted, "
        f"{unrecorded} attempts unrecorded | 0, 0, 0 |"
    )


def soak(mock: Mock, folder: Path, n: int) -> str:
    """Many requests with a mixture of faults: the accounts must agree exactly."""
    mixture = {name: 0.15 / 15 for name in [*UNBILLED[:6], *BROKEN]}
    mock.fresh(mixture)
    done = ask(mock, n, folder / "soak.db")
    ledger = mock("/_ledger")
    broken = sum(count for key, count in ledger["totals"].items() if key.removeprefix("fault:") in BROKEN)
    return (
        f"| {n:,} requests, 15 % mixed faults | {done.counts.statuses.get('answered', 0):,} answered, delivered twice "
        f"{ledger['delivered_extra']}, billed again {ledger['billed_extra']:,} (billed but broken: {broken:,}); "
        f"requests counted {done.spend.requests:,}, received {ledger['totals']['received']:,} | "
        "0 delivered twice, both pairs equal |"
    )


def rerun(mock: Mock, folder: Path) -> str:
    """A complete store sends nothing."""
    before = mock("/_ledger")["totals"]["received"]
    n = sum(1 for _ in read_answers(folder / "soak.db"))
    ask(mock, n, folder / "soak.db")
    return f"| rerun of that store | {mock('/_ledger')['totals']['received'] - before} requests | 0 |"


def start(
    mock: Mock, folder: Path, store: Path, n: int, *extra: str, limit: int | None = None
) -> subprocess.Popen[bytes]:
    """Starts the command line in a process of its own."""
    file = folder / f"probes-{n}.jsonl"
    if not file.exists():
        file.write_text("".join(json.dumps({"id": p.id, "prompt": p.prompt}) + "\n" for p in probes(n)))
    code = "import sys; from hydrometer.cli import main; main(sys.argv[1:])"
    options = ["--probes", str(file), "--store", str(store), "--canaries", "0", "--yes", "--json", *extra]
    command = [sys.executable, "-c", code, "ask", f"{mock.address}/v1", "--model", "mock", *options]

    def narrow() -> None:
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=narrow,
        env={**os.environ, "CANARY_KEY": CANARY},
    )  # fmt: skip


def kills(mock: Mock, folder: Path, n_kills: int) -> str:
    """Kill -9 with 64 in flight, again and again."""
    mock.fresh({})
    mock("/_config", {"latency_ms": 50})
    store, n = folder / "kills.db", 40 * n_kills + 400
    rng = random.Random(0)
    damaged = lost = before = real = 0
    for _ in range(n_kills):
        process = start(mock, folder, store, n, "--concurrency", "64")
        base = mock("/_ledger")["totals"].get("billed", 0)
        while process.poll() is None and mock("/_ledger")["totals"].get("billed", 0) == base:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.12))
        real += process.poll() is None
        process.kill()
        process.communicate()
        damaged += bool(check_store(store).findings)
        answered = sum(a.status == "answered" for a in read_answers(store))
        lost += max(0, before - answered)
        before = answered
    process = start(mock, folder, store, n, "--concurrency", "64")
    line = json.loads(process.communicate()[0].splitlines()[-1])
    extra = mock("/_ledger")["billed_extra"]
    mock.fresh({})
    mock("/_config", {"latency_ms": 50})
    polite = start(mock, folder, folder / "int.db", 2000, "--concurrency", "64")
    while mock("/_ledger")["totals"].get("billed", 0) < 200:
        time.sleep(0.02)
    polite.send_signal(signal.SIGINT)
    polite.communicate()
    start(mock, folder, folder / "int.db", 2000, "--concurrency", "64").communicate()
    again = mock("/_ledger")["billed_extra"]
    return (
        f"| {real} kill -9, 64 in flight | {lost} committed answers lost, {extra / max(real, 1):.1f} paid again a "
        f"kill, {damaged} stores damaged, {line['answered']:,} of {n:,} answered; Ctrl-C: {again} paid again | "
        "0, at most 64, 0; 0 |"
    )


def full_disk(mock: Mock, folder: Path, points: int) -> str:
    """A file that cannot grow any more, at many sizes."""
    mock.fresh({})
    reopened = silent = sent_after = slow = 0
    for point in range(points):
        store = folder / f"full-{point}.db"
        began = time.monotonic()
        process = start(mock, folder, store, 150, limit=4096 * (20 + point * 160 // points))
        _, error = process.communicate()
        slow += time.monotonic() - began > 30
        silent += process.returncode == 0 or not error.strip()
        with contextlib.suppress(Exception):
            list(read_answers(store))
            reopened += 1
        store.unlink(missing_ok=True)
    return (
        f"| no room left, {points} sizes of file | {silent} ended as if nothing was wrong, {reopened} stores readable "
        f"after it, {sent_after} hung, {slow} took over 30 s | 0, {points}, 0, 0 |"
    )


def power_loss(folder: Path, cuts: int) -> str:
    """The write-ahead log cut or damaged at random places: what was committed before must be there."""
    store = folder / "power.db"
    target = Replay({p.prompt: f"answer {p.id}" for p in probes(300)})
    collect(target, plan_questions(probes(100), base=Request(prompt=""), canaries=0), store, settings=Settings())
    # A second writer dies without closing, so that its answers are in the log only.
    code = "import sys; from pathlib import Path; from bench_collection_child import work; work(Path(sys.argv[1]))"
    child = folder / "bench_collection_child.py"
    child.write_text(
        "import os\nfrom hydrometer.collect import plan_questions\n"
        "from hydrometer.collect.run import Settings, collect\n"
        "from hydrometer.records.probes import Probe\nfrom hydrometer.targets import Request\n"
        "from hydrometer.targets.replay import Replay\n"
        "class Dying(Replay):\n    async def close(self):\n        os._exit(9)\n"
        "def work(store):\n    ps = [Probe(id=f'p{i}', prompt=f'Question {i}?') for i in range(300)]\n"
        "    t = Dying({p.prompt: f'answer {p.id}' for p in ps})\n"
        "    collect(t, plan_questions(ps, base=Request(prompt=''), canaries=0), store, settings=Settings())\n"
    )
    subprocess.run([sys.executable, "-c", code, str(store)], cwd=folder, check=False)
    wal = Path(f"{store}-wal")
    size = wal.stat().st_size if wal.exists() else 0
    rng = random.Random(1)
    opened = backwards = 0
    kept: list[tuple[int, int]] = []
    for cut in range(cuts):
        copy = folder / "copy.db"
        shutil.copyfile(store, copy)
        content = bytearray(wal.read_bytes()) if size else bytearray()
        place = rng.randrange(size) if size else 0
        if cut % 2:
            content = content[:place]
        elif content:
            content[place] ^= 1 << rng.randrange(8)
        Path(f"{copy}-wal").write_bytes(content)
        Path(f"{copy}-shm").unlink(missing_ok=True)
        with contextlib.suppress(Exception):
            n = sum(a.status == "answered" for a in read_answers(copy))
            opened += 1
            kept.append((place, n))
            backwards += n < 100
    monotone = all(b[1] >= a[1] for a, b in zip(sorted(kept), sorted(kept)[1:], strict=False))
    return (
        f"| {cuts} cuts and flipped bits in the log | {opened} opened, {backwards} lost an answer committed before the "
        f"log began{'' if monotone else ', later cuts kept fewer'} | {cuts}, 0 |"
    )


def processes(mock: Mock, folder: Path) -> str:
    """Several processes on one store."""
    twice = locked = 0
    for n in (2, 4, 8):
        mock.fresh({})
        store = folder / f"many-{n}.db"
        running = [start(mock, folder, store, 600) for _ in range(n)]
        for process in running:
            out, error = process.communicate()
            locked += b"locked" in error
            assert json.loads(out.splitlines()[-1])["answered"] == 600
        twice += mock("/_ledger")["billed_extra"]
    return f"| 2, 4 and 8 processes on one store | {twice} paid twice, {locked} shown 'locked' | 0, 0 |"


def cap(mock: Mock, folder: Path) -> str:
    """A cap in dollars with 64 in flight."""
    over = 0.0
    for n, dollars in enumerate((0.001, 0.01, 0.05)):
        mock.fresh({"e500": 0.1, "malformed": 0.05})
        budget = Budget(usd=dollars, price=Price(1.0, 4.0))
        done = ask(mock, 2000, folder / f"cap-{n}.db", budget=budget)
        over = max(over, done.spend.nano_usd / 1e9 - dollars)
    return f"| caps of $0.001, $0.01 and $0.05, 64 in flight | overspent by ${max(over, 0.0):.6f} at most | 0 |"


def secrets(mock: Mock, folder: Path) -> str:
    """A key that must appear nowhere."""
    hits = 0
    for fault in (None, *FAULTS):
        if fault in {"hang", "slow", "drip"}:
            continue
        mock.fresh({} if fault is None else {fault: 1.0}, require_key="another" if fault is None else "")
        store = folder / f"key-{fault}.db"
        out, error = start(mock, folder, store, 20, "--key-env", "CANARY_KEY").communicate()
        files = [p.read_bytes() for p in folder.glob(f"key-{fault}.db*")]
        hits += sum(CANARY.encode() in content for content in (out, error, *files))
    return f"| a key in the environment, refused and through every fault | found {hits} times in store or output | 0 |"


def swaps(mock: Mock, folder: Path, runs: int) -> list[str]:
    """A provider that lets another model answer under the same name from the middle of the run on."""
    lines = []
    for share, noise in ((1.0, 0.0), (1.0, 0.3), (0.3, 0.0), (0.1, 0.0), (0.0, 0.0), (0.0, 0.3)):
        caught = marked = 0
        for turn in range(runs):
            options = {"swap_after": 500 if share else 0, "swap_fraction": share, "nondeterminism": noise, "seed": turn}
            mock.fresh({}, **options)
            store = folder / f"swap-{share}-{noise}-{turn}.db"
            done = ask(mock, 700, store, canaries=100)
            caught += done.watch is not None and done.watch.changed
            marked += len(done.counts.fingerprints) > 1
        what = f"{100 * share:.0f} % of later requests to another model" if share else "no swap"
        wanted = "0 (alpha 0.001)" if not share else "at least 95 %" if share == 1.0 else "reported"
        lines.append(
            f"| {what}, {100 * noise:.0f} % of replies vary by themselves, 100 canaries | "
            f"fingerprint changed in {marked}, canaries in {caught} of {runs} | {wanted} |"
        )
    return lines


def unicode(folder: Path, n: int) -> str:
    """Strings of any characters through the store, byte for byte."""
    rng = random.Random(3)

    def text() -> str:
        pools = (
            range(32, 127),
            range(0xA0, 0x3000),
            range(0x4E00, 0x9FFF),
            range(0x1F300, 0x1FAFF),
            range(0xD800, 0xDFFF),
        )
        return "".join(chr(rng.choice(rng.choice(pools))) for _ in range(rng.randrange(1, 40))) + "\0\u202e"

    answers = {p.prompt: text() for p in probes(n)}
    answers["Question 0?"] = "x" * 20_000_000
    store = folder / "unicode.db"
    plan = plan_questions(probes(n), base=Request(prompt=""), canaries=0)
    collect(Replay(answers), plan, store, settings=Settings(concurrency=64))
    wrong = sum(answers[a.request.prompt] != a.text for a in read_answers(store))
    return f"| {n:,} strings with lone surrogates and NUL, one of 20 MB | {wrong} changed | 0 |"


def cpu(mock: Mock, folder: Path, n: int) -> list[str]:
    """CPU seconds of this process for 1,000 chats at 64 at once, beside other clients."""
    mock.fresh({})

    def ours() -> None:
        ask(mock, n, folder / f"cpu-{time.monotonic_ns()}.db")

    lines = [_timed("**Hydrometer**: durable intent and answer", ours, n)]
    url = f"{mock.address}/v1"
    for name, package, work in CLIENTS:
        if importlib.util.find_spec(package) is not None:
            lines.append(_timed(f"{name}, nothing kept", partial(work, url, n), n))
    return lines


def _timed(name: str, work: Callable[[], None], n: int) -> str:
    work()
    spent = []
    for _ in range(3):
        began = time.process_time()
        work()
        spent.append(1000 * (time.process_time() - began) / n)
    return f"| {name} | {sorted(spent)[1]:.2f} ({min(spent):.2f} to {max(spent):.2f}) |"


def rows(mock: Mock, folder: Path, *, whole: bool) -> Iterator[str]:
    """Yields the rows of the table, one by one as they are measured."""
    yield faults(mock, folder, 200 if whole else 10)
    yield soak(mock, folder, 100_000 if whole else 3000)
    yield rerun(mock, folder)
    yield kills(mock, folder, 200 if whole else 6)
    yield full_disk(mock, folder, 500 if whole else 12)
    yield power_loss(folder, 1000 if whole else 100)
    yield processes(mock, folder)
    yield cap(mock, folder)
    yield secrets(mock, folder)
    yield from swaps(mock, folder, 100 if whole else 20)
    yield unicode(folder, 10_000 if whole else 1000)


def main() -> None:
    """Measures and prints; writes the page on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mock", type=Path, required=True)
    parser.add_argument("--whole", action="store_true", help="the full numbers; an hour of two cores")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    os.environ["HYDROMETER_LOOPBACK_ONLY"] = "1"
    mock = Mock(options.mock)
    found = []
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for row in rows(mock, folder, whole=options.whole):
                print(row, flush=True)
                found.append(row)
            times = cpu(mock, folder, 5000 if options.whole else 2000)
            print("\n".join(times))
    finally:
        mock.process.kill()
    if options.write:
        PAGE.write_text(page(found, times, whole=options.whole), encoding="utf-8")


def page(found: list[str], times: list[str], *, whole: bool) -> str:
    """Returns the page."""
    how = "whole" if whole else "shortened"
    return "\n".join(
        [
            "# Benchmark: collecting answers",
            "",
            f"Made by `python bench/collection.py --mock PATH{' --whole' if whole else ''} --write` on "
            f"{dt.date.today()} ({how}; Python {platform.python_version()}, {os.cpu_count()} cores). "
            "The endpoint is a mock on the same machine that injects faults and keeps a ledger of what it billed.",
            "",
            "| test | measured | wanted |",
            "|---|---|---|",
            *found,
            "",
            "CPU seconds of the client for 1,000 chats, 64 at once (median of three, range):",
            "",
            "| client | CPU s |",
            "|---|---|",
            *times,
            "",
            "Not measured: real providers, TLS, power loss of a real machine.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
