"""Asking targets: nothing is lost, nothing is paid for twice, and no key leaves the process."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_commands import run

from hydrometer.collect import Budget, Price, Settings, plan_questions
from hydrometer.collect.plan import Plan
from hydrometer.collect.run import Collected, collect
from hydrometer.collect.throttle import Throttle, wait_before
from hydrometer.records.probes import Probe
from hydrometer.records.responses import ResponseStatus
from hydrometer.store.evidence import read_answers
from hydrometer.store.evidence.check import check_store
from hydrometer.store.responses import read_responses
from hydrometer.targets import Fault, Reply, Request
from hydrometer.targets.endpoint import Endpoint, EndpointOptions
from hydrometer.targets.replay import Replay

MOCK = Path(__file__).parent.parent.parent / "shared/bench/mock_endpoint.py"
needs_mock = pytest.mark.skipif(not MOCK.exists(), reason="needs the shared mock endpoint")
CANARY = "sk-canary-5f2e9c1d7a"


def plan(*prompts: str, canaries: int = 0, **base: Any) -> Plan:
    probes = [Probe(id=f"p{i}", prompt=prompt) for i, prompt in enumerate(prompts)]
    return plan_questions(probes, base=Request(prompt="", **base), canaries=canaries)


def asked(target: Any, questions: Plan, store: Path, **options: Any) -> Collected:
    return collect(target, questions, store, settings=Settings(**options))


def test_every_end_is_a_row_and_a_second_run_sends_nothing(tmp_path: Path) -> None:
    store = tmp_path / "a.db"
    answers: dict[str, Any] = {
        "good": "yes", "blank": "  ", "cut": Reply(status=ResponseStatus.TRUNCATED, text="ye", raw=b"{}"),
        "no": Reply(status=ResponseStatus.REFUSED, text="", raw=b"{}"),
        "broken": Fault("not JSON", retry=True, status=ResponseStatus.INVALID, raw=b"<html>"),
        "flaky": [Fault("HTTP 500", retry=True, http_status=500), "at last"],
    }  # fmt: skip
    questions = plan(*answers, "unknown")
    done = asked(Replay(answers), questions, store, attempts=2)
    assert done.counts.statuses == {
        "answered": 2, "empty": 1, "truncated": 1, "refused": 1, "invalid": 1, "failed": 1
    }  # fmt: skip
    rows = {answer.request.prompt: answer for answer in read_answers(store)}
    assert (rows["flaky"].text, rows["flaky"].attempts) == ("at last", 2)
    assert rows["broken"].reason == "not JSON"
    assert check_store(store).findings == ()
    again = Replay(answers)
    assert asked(again, questions, store).run_summary.requests_sent == 0
    assert again.requests == []
    assert asked(Replay({"broken": "mended"}), questions, store, retry_failed=True).run_summary.requests_sent > 0
    assert {a.request.prompt: a.text for a in read_answers(store)}["broken"] == "mended"


def test_answers_come_back_from_every_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "a.db"
    asked(Replay({"Why?": "Because.", "Who?": "Nobody."}, model="m"), plan("Why?", "Who?", "Where?"), store)
    for name in ("a.parquet", "a.jsonl", "a.eval"):
        assert run(capsys, "store", "export", str(store), "--out", str(tmp_path / name))[0] == 0
        frame = read_responses(tmp_path / name).frame
        found = {row["prompt"]: (row["response"], row["status"]) for row in frame.to_dicts()}
        assert found["Why?"] == ("Because.", "answered")
        assert found["Where?"][1] == "failed"
        assert run(capsys, "store", "import", str(tmp_path / name), "--store", str(tmp_path / f"{name}.db"))[0] == 0
    assert run(capsys, "store", "import", str(store), "--store", str(tmp_path / "b.db"))[0] == 0
    assert {a.text for a in read_answers(tmp_path / "b.db")} == {"Because.", "Nobody.", None}
    assert run(capsys, "store", "compact", str(store), "--json")[0] == 0
    assert run(capsys, "store", "check", str(store))[0] == 0


@settings(max_examples=60)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True))
def test_text_comes_back_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    store = tmp_path_factory.mktemp("u") / "u.db"
    # Halves of characters too: providers send them.
    answers = {text: f"{text}\ud83d\x00\u202e{text}" for text in texts}
    asked(Replay(answers), plan(*texts), store)
    found = {a.request.prompt: a.text for a in read_answers(store)}
    assert found == answers


@settings(max_examples=40)
@given(cap=st.integers(0, 4000), n=st.integers(1, 12), cost=st.integers(1, 250), concurrency=st.integers(1, 16))
def test_a_cap_is_never_passed(
    tmp_path_factory: pytest.TempPathFactory, cap: int, n: int, cost: int, concurrency: int
) -> None:
    store = tmp_path_factory.mktemp("b") / "b.db"
    reply = Reply(status=ResponseStatus.ANSWERED, text="x", raw=b"{}", prompt_tokens=cost, completion_tokens=1)
    target = Replay({f"q{i}": reply for i in range(n)})
    budget = Budget(tokens=cap, usd=cap / 1e6, price=Price(1.0, 1.0))
    done = asked(
        target, plan(*(f"q{i}" for i in range(n)), max_tokens=10), store, concurrency=concurrency, budget=budget
    )
    assert done.spend.tokens <= max(cap, 0)
    assert done.spend.nano_usd <= cap * 1000
    assert len(target.requests) * (cost + 1) <= max(cap, 0)


def test_the_clock_may_jump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "a.db"
    true = time.time
    for day, prompts in ((0, ("a",)), (-1, ("a", "b")), (1, ("a", "b", "c")), (4700, ("a", "b", "c", "d"))):
        monkeypatch.setattr(time, "time", lambda day=day: true() + 86_400 * day)
        done = asked(Replay({p: p.upper() for p in "abcd"}), plan(*prompts), store)
        assert done.run_summary.requests_sent == 1
    orders = [a.order for a in read_answers(store)]
    assert orders == sorted(orders)  # type: ignore[type-var]
    assert check_store(store).findings == ()


def test_fewer_requests_are_under_way_after_a_complaint() -> None:
    throttle = Throttle(8)
    for _ in range(8):
        # All of one wave complain about the same crowd.
        throttle.complained(0)
    assert throttle.limit == 4
    throttle.complained(throttle.epoch)
    assert throttle.limit == 2
    for _ in range(40):
        throttle.succeeded()
    assert throttle.limit == 8
    rng = random.Random(0)
    assert all(2.0 <= wait_before(n, 2.0, rng=rng) <= 2.0 + 30 / 4 for n in range(1, 40))
    assert len({wait_before(5, None, rng=rng) for _ in range(10)}) == 10


def test_a_changed_model_is_noticed(tmp_path: Path) -> None:
    prompts = [f"Question {i}?" for i in range(40)]

    def target(swap: bool) -> Replay:
        steady = {p: f"A quiet answer about number {i} and its river." for i, p in enumerate(prompts)}
        other = {p: f"TOTALLY different words, {i}!" for i, p in enumerate(prompts)}
        return Replay({p: [steady[p], steady[p], other[p] if swap else steady[p]] for p in prompts})

    for swap in (True, False):
        done = asked(target(swap), plan(*prompts, canaries=12), tmp_path / f"{swap}.db", concurrency=1)
        assert done.watch is not None
        assert done.watch.changed is swap


class Seeded(Replay):
    """Answers that follow the seed, as those of an endpoint that honours seeds; another model from the middle on."""

    def __init__(self, swap_after: int) -> None:
        super().__init__({}, model="m")
        self.swap_after = swap_after

    async def ask(self, request: Request) -> Reply:
        self.requests.append(request)
        model = "other" if len(self.requests) > self.swap_after else "first"
        rng = random.Random(f"{model} {request.prompt} {request.seed}")
        text = " ".join(rng.choice(("river", "stone", "cloud", "ember", "field", "north")) for _ in range(30))
        return Reply(status=ResponseStatus.ANSWERED, text=text, raw=b"{}")


@pytest.mark.parametrize("seed", [None, 7])
def test_a_changed_model_is_noticed_where_seeds_are_honoured(tmp_path: Path, seed: int | None) -> None:
    questions = plan(*(f"Question {i}?" for i in range(60)), canaries=20, seed=seed)
    for swap_after, changed in ((len(questions.questions) // 2, True), (10**6, False)):
        done = asked(Seeded(swap_after), questions, tmp_path / f"{changed}.db", concurrency=1)
        assert done.watch is not None
        assert done.watch.changed is changed


def test_a_changed_answer_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "a.db"
    asked(Replay({"a": "b"}), plan("a"), store)
    with contextlib.closing(sqlite3.connect(store)) as db:
        db.execute("UPDATE attempt SET raw = CAST('forged' AS BLOB)")
        db.commit()
    status, out, _ = run(capsys, "store", "check", str(store))
    assert status == 1
    assert "not the one that arrived" in out


def test_the_summary_of_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    probes = tmp_path / "p.jsonl"
    probes.write_text('{"id": "a", "prompt": "Why?"}\n{"id": "b", "prompt": "Who?"}\n')
    answers = tmp_path / "r.jsonl"
    answers.write_text('{"model": "m", "prompt": "Why?", "response": "Because."}\n')
    command = (
        "ask",
        f"replay:{answers}",
        "--probes",
        str(probes),
        "--store",
        str(tmp_path / "s.db"),
        "--yes",
        "--json",
    )
    status, out, _ = run(capsys, *command)
    line = json.loads(out.splitlines()[-1])
    assert status == 0
    assert {"answered", "failed", "refused", "requests_sent", "tokens", "usd"} <= set(line)
    assert (line["answered"], line["failed"]) == (1, 1)


# --- against the mock endpoint, in processes of their own ---


@pytest.fixture
def mock() -> Iterator[Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(MOCK), "--port", str(port), "--latency-ms", "1", "--max-faults-per-key", "1"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*command, "--huge-mb", "0.1", "--retry-after", "0.05"], stdout=quiet, stderr=quiet)
    address = f"http://127.0.0.1:{port}"

    def call(path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(address + path, data=data), timeout=10) as reply:
            return json.loads(reply.read())

    for _ in range(200):
        with contextlib.suppress(OSError):
            call("/_health")
            break
        time.sleep(0.05)
    call.address = address  # type: ignore[attr-defined]
    yield call
    process.kill()
    process.wait()


FAULTS = [
    *("e400", "e401", "e429", "e429date", "e429nohdr", "e500", "e502html", "e503", "e529", "drop_before", "rst"),
    *("drop_after", "truncate", "malformed", "html200", "barestr", "badutf8", "emptybody", "nochoices", "errbody200"),
    *("toolong", "refusal", "drip", "huge", "deep", "bidi", "inject", "wrongmodel", "dupheader"),
]


@needs_mock
def test_every_fault_is_recorded_and_overcome(mock: Any, tmp_path: Path) -> None:
    usable = {"toolong": "truncated", "refusal": "refused"}
    for fault in FAULTS:
        mock("/_reset", {})
        mock("/_config", {"faults": {fault: 1.0}, "latency_ms": 1})
        store = tmp_path / f"{fault}.db"
        target = Endpoint(f"{mock.address}/v1", model="m", options=EndpointOptions(timeout=10))
        done = asked(target, plan("one", "two", "three"), store, concurrency=3)
        wanted = usable.get(fault, "answered")
        assert done.counts.statuses == {wanted: 3}, (fault, done.counts.statuses, done.run_summary.faults)
        ledger = mock("/_ledger")
        assert done.spend.requests == ledger["totals"]["received"], fault
        assert ledger["keys_never_delivered"] == 0
        assert check_store(store).findings == ()


def start(mock: Any, tmp_path: Path, store: Path, *, n: int = 120) -> subprocess.Popen[bytes]:
    probes = tmp_path / "probes.jsonl"
    if not probes.exists():
        probes.write_text("".join(f'{{"id": "p{i}", "prompt": "Question {i}?"}}\n' for i in range(n)))
    code = "import sys; from hydrometer.cli import main; main(sys.argv[1:])"
    options = [
        "--probes",
        str(probes),
        "--store",
        str(store),
        "--concurrency",
        "16",
        "--canaries",
        "0",
        "--yes",
        "--json",
    ]
    command = [sys.executable, "-c", code, "ask", f"{mock.address}/v1", "--model", "m", *options]
    environment = {**os.environ, "MY_KEY": CANARY}
    return subprocess.Popen(
        [*command, "--key-env", "MY_KEY"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


@needs_mock
def test_killed_runs_go_on_and_pay_only_for_what_was_in_flight(mock: Any, tmp_path: Path) -> None:
    mock("/_config", {"faults": {}, "latency_ms": 60})
    store = tmp_path / "k.db"
    kills = 3
    for _ in range(kills):
        process = start(mock, tmp_path, store)
        for _ in range(400):
            time.sleep(0.02)
            if process.poll() is not None or mock("/_ledger")["totals"].get("billed", 0) > 10:
                break
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if store.exists():
            assert check_store(store).findings == ()
    out, error = start(mock, tmp_path, store).communicate(timeout=120)
    line = json.loads(out.splitlines()[-1])
    assert (line["answered"], line["complete"]) == (120, True)
    assert mock("/_ledger")["billed_extra"] <= 16 * kills
    assert CANARY.encode() not in out + error + b"".join(p.read_bytes() for p in tmp_path.iterdir())


@needs_mock
def test_two_processes_share_a_store_without_paying_twice(mock: Any, tmp_path: Path) -> None:
    mock("/_config", {"faults": {}, "latency_ms": 5})
    store = tmp_path / "s.db"
    both = [start(mock, tmp_path, store) for _ in range(2)]
    results = [process.communicate(timeout=120) for process in both]
    for out, error in results:
        assert json.loads(out.splitlines()[-1])["answered"] == 120
        assert b"locked" not in error
    ledger = mock("/_ledger")
    assert (ledger["billed_extra"], ledger["unique_keys"]) == (0, 120)


@needs_mock
def test_a_file_that_cannot_grow_stops_the_run_and_keeps_what_it_has(mock: Any, tmp_path: Path) -> None:
    mock("/_config", {"faults": {}, "latency_ms": 5})
    store = tmp_path / "f.db"
    probes = tmp_path / "probes.jsonl"
    probes.write_text("".join(f'{{"id": "p{i}", "prompt": "Question {i}?"}}\n' for i in range(120)))
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000));"
        "from hydrometer.cli import main; main(sys.argv[1:])"
    )
    options = ["--probes", str(probes), "--store", str(store), "--canaries", "0", "--yes", "--json"]
    command = [sys.executable, "-c", code, "ask", f"{mock.address}/v1", "--model", "m", *options]
    found = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert found.returncode == 2
    assert b"cannot be written" in found.stderr or b"cannot be opened for writing" in found.stderr
    kept = sum(a.status == "answered" for a in read_answers(store))
    out, _ = start(mock, tmp_path, store).communicate(timeout=120)
    assert json.loads(out.splitlines()[-1])["answered"] == 120
    assert mock("/_ledger")["billed_extra"] <= 16
    assert kept < 120
