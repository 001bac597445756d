"""What collecting survives, part by part, for bench/collection.py: every part returns rows of the page's table."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from collection_mock import BROKEN, CANARY, FAULTS, UNBILLED, Mock, ask, billed, probes, start
from hydrometer.collect import Budget, Price, Settings, plan_questions
from hydrometer.collect.run import collect
from hydrometer.store.evidence import open_for_reading, read_answers
from hydrometer.store.evidence.check import check_store
from hydrometer.targets import Request
from hydrometer.targets.replay import Replay

_WITH_ANSWER = {"answered", "truncated", "refused", "empty"}
_KILLS_A_STORE = 20


def faults(mock: Mock, folder: Path, n: int) -> list[str]:
    """Every fault once for every prompt."""
    lost = unusable = unrecorded = unseen = 0
    for fault in FAULTS:
        mock.fresh({fault: 1.0})
        store = folder / f"{fault}.db"
        done = ask(mock, n, store, timeout=3.0 if fault == "hang" else 20.0)
        kept = [a for a in read_answers(store) if a.status in _WITH_ANSWER]
        lost += n - len(kept)
        # What the script says is no answer must never be kept as one.
        unusable += sum(a.status == "answered" and not (a.text or "").strip() for a in kept)
        received = mock("/_ledger")["totals"]["received"]
        unrecorded += max(0, received - done.spend.requests)
        unseen += max(0, done.spend.requests - received)
        assert not check_store(store).findings
    return [
        f"| {len(FAULTS)} faults × {n} prompts | {lost} lost, {unusable} unusable accepted, "
        f"{unrecorded} attempts unrecorded, {unseen} recorded that timed out before they arrived | 0, 0, 0, - |"
    ]


def soak(mock: Mock, folder: Path, n: int) -> list[str]:
    """Many requests with a mixture of faults: the accounts must agree exactly; then the same again, complete."""
    mixture = {name: 0.15 / 15 for name in [*UNBILLED[:6], *BROKEN]}
    mock.fresh(mixture)
    done = ask(mock, n, folder / "soak.db")
    ledger = mock("/_ledger")
    broken = sum(count for key, count in ledger["totals"].items() if key.removeprefix("fault:") in BROKEN)
    received = ledger["totals"]["received"]
    ask(mock, n, folder / "soak.db")
    return [
        f"| {n:,} requests, 15 % mixed faults | {done.counts.statuses.get('answered', 0):,} answered, delivered twice "
        f"{ledger['delivered_extra']}, billed again {ledger['billed_extra']:,} (billed but broken: {broken:,}); "
        f"requests counted {done.spend.requests:,}, received {received:,} | 0 delivered twice, both pairs equal |",
        f"| rerun of that store | {mock('/_ledger')['totals']['received'] - received} requests | 0 |",
    ]


def kills(mock: Mock, folder: Path, n_kills: int) -> list[str]:
    """Kill -9 with 64 in flight, again and again, every twenty on a fresh store; then one Ctrl-C."""
    rng = random.Random(0)
    damaged = lost = extra = most = real = answered = wanted = 0
    while real < n_kills:
        todo = min(_KILLS_A_STORE, n_kills - real)
        store, n, prompt = folder / f"kills-{real}.db", 200 * todo, f"After {real} kills"
        mock.fresh({}, latency_ms=50)
        before = 0
        for _ in range(todo):
            process = start(mock, folder, store, n, "--concurrency", "64", prompt=prompt)
            base = billed(mock)
            while process.poll() is None and billed(mock) == base:
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.12))
            real += process.poll() is None
            process.kill()
            process.communicate()
            damaged += bool(check_store(store).findings)
            kept = sum(a.status == "answered" for a in read_answers(store))
            lost += max(0, before - kept)
            before = kept
            with open_for_reading(store) as db:
                pending = "SELECT count(*) FROM attempt WHERE outcome = 'pending'"
                most = max(most, db.execute(pending).fetchone()[0])
        process = start(mock, folder, store, n, "--concurrency", "64", prompt=prompt)
        answered += json.loads(process.communicate()[0].splitlines()[-1])["answered"]
        wanted += n
        extra += mock("/_ledger")["billed_extra"]
    again = _interrupted(mock, folder)
    return [
        f"| {real} kill -9, 64 in flight | {lost} committed answers lost, {extra / max(real, 1):.1f} paid again a "
        f"kill (at most {most} were in flight), {damaged} stores damaged, {answered:,} of {wanted:,} answered; "
        f"Ctrl-C: {again} paid again | 0, at most 64, 0; 0 |"
    ]


def _interrupted(mock: Mock, folder: Path) -> int:
    """Returns what is paid for twice after a Ctrl-C."""
    mock.fresh({}, latency_ms=50)
    polite = start(mock, folder, folder / "int.db", 2000, "--concurrency", "64")
    while polite.poll() is None and billed(mock) < 200:
        time.sleep(0.02)
    polite.send_signal(signal.SIGINT)
    polite.communicate()
    start(mock, folder, folder / "int.db", 2000, "--concurrency", "64").communicate()
    return int(mock("/_ledger")["billed_extra"])


def full_disk(mock: Mock, folder: Path, points: int) -> list[str]:
    """A file that cannot grow any more, at many sizes."""
    reopened = silent = unrecorded = hung = slow = complete = 0
    for point in range(points):
        mock.fresh({})
        store = folder / f"full-{point}.db"
        process = start(mock, folder, store, 150, limit=4096 * (20 + point * 160 // points))
        received, still = -1, time.monotonic()
        while process.poll() is None and time.monotonic() - still < 60:
            if (now := mock("/_ledger")["totals"].get("received", 0)) != received:
                received, still = now, time.monotonic()
            time.sleep(0.1)
        slow += time.monotonic() - still > 5
        hung += process.poll() is None
        process.kill()
        _, error = process.communicate()
        received = mock("/_ledger")["totals"].get("received", 0)
        whole = process.returncode == 0 and received == 150
        complete += whole
        silent += not whole and (process.returncode == 0 or not error.strip())
        with contextlib.suppress(Exception):
            list(read_answers(store))
            with open_for_reading(store) as db:
                intents = db.execute("SELECT count(*) FROM attempt").fetchone()[0]
            # A request whose intent could not be committed must not have left.
            unrecorded += max(0, received - intents)
            reopened += 1
        store.unlink(missing_ok=True)
    return [
        f"| no room left, {points} sizes of file | {points - complete} stopped by it, {silent} of them as if nothing "
        f"was wrong, {unrecorded} requests without a committed intent, {reopened} stores readable after it, {hung} "
        f"hung, {slow} ended over 5 s after their last request, or after their start where none was sent | "
        f"-, 0, 0, {points}, 0, 0 |"
    ]


_DYING = """import os
from hydrometer.collect import Settings, plan_questions
from hydrometer.collect.run import collect
from hydrometer.records.probes import Probe
from hydrometer.targets import Request
from hydrometer.targets.replay import Replay


class Dying(Replay):
    async def close(self):
        os._exit(9)


def work(store):
    ps = [Probe(id=f"p{i}", prompt=f"Question {i}?") for i in range(300)]
    t = Dying({p.prompt: f"answer {p.id}" for p in ps})
    collect(t, plan_questions(ps, base=Request(prompt=""), canaries=0), store, settings=Settings())
"""


def power_loss(mock: Mock, folder: Path, cuts: int) -> list[str]:
    """The write-ahead log cut or damaged at random places: what was committed before must be there."""
    store = folder / "power.db"
    target = Replay({p.prompt: f"answer {p.id}" for p in probes(300)})
    collect(target, plan_questions(probes(100), base=Request(prompt=""), canaries=0), store, settings=Settings())
    # A second writer dies without closing, so that its answers are in the log only.
    (folder / "bench_collection_child.py").write_text(_DYING)
    code = "import sys; from pathlib import Path; from bench_collection_child import work; work(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(store)], cwd=folder, check=False)
    log = Path(f"{store}-wal").read_bytes()
    rng = random.Random(1)
    opened = backwards = 0
    kept: list[tuple[int, int]] = []
    for cut in range(cuts):
        copy = folder / "copy.db"
        shutil.copyfile(store, copy)
        content, place = bytearray(log), rng.randrange(len(log))
        if cut % 2:
            content = content[:place]
        else:
            content[place] ^= 1 << rng.randrange(8)
        Path(f"{copy}-wal").write_bytes(content)
        Path(f"{copy}-shm").unlink(missing_ok=True)
        with contextlib.suppress(Exception):
            n = sum(a.status == "answered" for a in read_answers(copy))
            opened += 1
            kept.append((place, n))
            backwards += n < 100
    kept.sort()
    fewer = sum(later[1] < earlier[1] for earlier, later in itertools.pairwise(kept))
    return [
        f"| {cuts:,} cuts and flipped bits in a log of {len(log):,} bytes | {opened:,} opened, {backwards} lost an "
        f"answer committed before the log began, {fewer} kept fewer than an earlier cut | {cuts:,}, 0, 0 |"
    ]


def processes(mock: Mock, folder: Path, n_probes: int) -> list[str]:
    """Several processes on one store."""
    twice = locked = short = 0
    for n in (2, 4, 8):
        mock.fresh({})
        store = folder / f"many-{n}.db"
        running = [start(mock, folder, store, n_probes) for _ in range(n)]
        for process in running:
            out, error = process.communicate()
            locked += b"locked" in error
            short += json.loads(out.splitlines()[-1])["answered"] != n_probes
        twice += mock("/_ledger")["billed_extra"]
    return [
        f"| 2, 4 and 8 processes on one store, {n_probes:,} probes | {twice} paid twice, {locked} shown 'locked', "
        f"{short} ended with a probe unanswered | 0, 0, 0 |"
    ]


def cap(mock: Mock, folder: Path, n_probes: int) -> list[str]:
    """A cap in dollars with 64 in flight."""
    over = 0.0
    for n, dollars in enumerate((0.001, 0.01, 0.05)):
        mock.fresh({"e500": 0.1, "malformed": 0.05})
        budget = Budget(usd=dollars, price=Price(2.0, 2.0))
        done = ask(mock, n_probes, folder / f"cap-{n}.db", budget=budget)
        bill = 2.0 * mock("/_ledger")["totals"]["billed_tokens"] / 1e6
        over = max(over, done.spend.nano_usd / 1e9 - dollars, bill - dollars)
    return [
        f"| caps of $0.001, $0.01 and $0.05, 64 in flight | overspent by ${max(over, 0.0):.6f} at most, "
        "by our count and by the bill | 0 |"
    ]


def secrets(mock: Mock, folder: Path, n_probes: int) -> list[str]:
    """A key that must appear nowhere."""
    hits = 0
    for fault in (None, *FAULTS):
        if fault in {"hang", "slow", "drip"}:
            continue
        mock.fresh({} if fault is None else {fault: 1.0}, require_key="another" if fault is None else "")
        store = folder / f"key-{fault}.db"
        out, error = start(mock, folder, store, n_probes, "--key-env", "CANARY_KEY").communicate()
        files = [p.read_bytes() for p in folder.glob(f"key-{fault}.db*")]
        hits += sum(CANARY.encode() in content for content in (out, error, *files))
    return [
        f"| a key in the environment, refused and through every fault | found {hits} times in store or output | 0 |"
    ]


def swaps(mock: Mock, folder: Path, runs: int) -> list[str]:
    """A provider that lets another model answer under the same name from the middle of the run on."""
    lines = []
    for share, noise in ((1.0, 0.0), (1.0, 0.3), (0.3, 0.0), (0.1, 0.0), (0.0, 0.0), (0.0, 0.3)):
        caught = marked = 0
        # Only the promise of noticing a full swap needs many.
        turns = runs if share == 1.0 else min(runs, 20)
        for turn in range(turns):
            options = {"swap_after": 500 if share else 0, "swap_fraction": share, "nondeterminism": noise, "seed": turn}
            mock.fresh({}, **options)
            store = folder / "swap.db"
            done = ask(mock, 700, store, canaries=100)
            caught += done.watch is not None and done.watch.changed
            marked += len(done.counts.fingerprints) > 1
            store.unlink()
        what = f"{100 * share:.0f} % of later requests to another model" if share else "no swap"
        wanted = "0 (alpha 0.001)" if not share else "at least 95 %" if share == 1.0 else "reported"
        lines.append(
            f"| {what}, {100 * noise:.0f} % of replies vary by themselves, 100 canaries | "
            f"fingerprint changed in {marked}, canaries in {caught} of {turns} | {wanted} |"
        )
    mock.fresh({}, swap_after=0, swap_fraction=1.0, nondeterminism=0.0, seed=0)
    return lines


def unicode(mock: Mock, folder: Path, n: int) -> list[str]:
    """Strings of any characters through the store, byte for byte."""
    rng = random.Random(3)
    ranges = ((32, 127), (0xA0, 0x3000), (0x4E00, 0x9FFF), (0x1F300, 0x1FAFF), (0xD800, 0xDFFF))
    pools = [range(*ends) for ends in ranges]

    def text() -> str:
        return "".join(chr(rng.choice(rng.choice(pools))) for _ in range(rng.randrange(1, 40))) + "\0\u202e"

    answers = {p.prompt: text() for p in probes(n)}
    answers["Question 0?"] = "x" * 20_000_000
    store = folder / "unicode.db"
    plan = plan_questions(probes(n), base=Request(prompt=""), canaries=0)
    collect(Replay(answers), plan, store, settings=Settings(concurrency=64))
    wrong = sum(answers[a.request.prompt] != a.text for a in read_answers(store))
    return [f"| {n:,} strings with lone surrogates and NUL, one of 20 MB | {wrong} changed | 0 |"]


def ray(mock: Mock, folder: Path, n: int) -> list[str]:
    """Two workers of Ray, of which one is killed on the way; then the same without Ray."""
    if importlib.util.find_spec("ray") is None:
        return ["| two workers of Ray, one killed | not measured: ray is not installed | - |"]
    mock.fresh({}, latency_ms=400)
    store = folder / "ray.db"
    process = start(mock, folder, store, n, "--concurrency", "16", "--ray", "2")
    while process.poll() is None and billed(mock) < n // 4:
        time.sleep(0.05)
    workers = [pid for pid, title in _descendants(process.pid).items() if title.startswith("ray::Worker")]
    os.kill(workers[0], signal.SIGKILL)
    line = json.loads(process.communicate()[0].splitlines()[-1])
    ledger, sent = mock("/_ledger"), line["requests_total"]
    received = ledger["totals"]["received"]
    again = json.loads(start(mock, folder, store, n, "--concurrency", "16").communicate()[0].splitlines()[-1])
    return [
        f"| {len(workers)} workers of Ray, one killed, 16 in flight, {n} probes | {line['answered']} answered, "
        f"{ledger['billed_extra']} paid again, {max(0, received - sent)} requests unrecorded, "
        f"{max(0, sent - received)} recorded that a dead worker never sent; then without Ray: "
        f"{again['requests_sent']} sent | {n}, at most 16, 0, -; 0 |"
    ]


def _descendants(root: int) -> dict[int, str]:
    """Returns the processes below one, each with its title."""
    found = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    parents: dict[int, list[tuple[int, str]]] = {}
    for line in found.splitlines():
        pid, parent, title = line.split(None, 2)
        parents.setdefault(int(parent), []).append((int(pid), title))
    below, todo = {}, [root]
    while todo:
        for pid, title in parents.get(todo.pop(), []):
            below[pid] = title
            todo.append(pid)
    return below


def states(mock: Mock, folder: Path, n: int) -> list[str]:
    """The store as a state machine, for longer than the tests look."""
    tests = Path(__file__).parent.parent / "tests/test_store_states.py"
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", str(tests)]
    environment = {**os.environ, "HYDROMETER_EXAMPLES": str(n)}
    done = subprocess.run([sys.executable, "-m", "pytest", *options], env=environment, capture_output=True, check=False)
    return [
        f"| {n:,} stories of up to 40 steps over one store | {'0' if done.returncode == 0 else 'some'} failed | 0 |"
    ]


PARTS: dict[str, tuple[Callable[[Mock, Path, int], list[str]], int, int]] = {
    "faults": (faults, 10, 200),
    "soak": (soak, 3000, 100_000),
    "kills": (kills, 6, 200),
    "full_disk": (full_disk, 12, 500),
    "power_loss": (power_loss, 100, 1000),
    "processes": (processes, 600, 600),
    "cap": (cap, 2000, 2000),
    "secrets": (secrets, 20, 20),
    "swaps": (swaps, 20, 100),
    "unicode": (unicode, 1000, 10_000),
    "ray": (ray, 200, 200),
    "states": (states, 60, 500),
}
"""Name to the work, its size when shortened and its size when whole."""
