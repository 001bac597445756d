"""One plan over several workers of Ray."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_commands import run

from hydrometer.store.evidence import read_answers
from hydrometer.store.evidence.check import check_store
from hydrometer.targets import Request


class FakeRay:
    """As much of Ray as is used, in this process, with workers that die when told to."""

    class RayError(Exception):
        pass

    class ActorDiedError(RayError):
        pass

    class ActorUnavailableError(RayError):
        pass

    def __init__(self) -> None:
        self.exceptions = self
        self.workers: list[Any] = []
        self.started = 0
        self.deaths: dict[int, Exception] = {}
        self.asked: Counter[int] = Counter()

    def is_initialized(self) -> bool:
        return True

    def remote(self, **options: Any) -> Any:
        assert options["max_task_retries"] == 0
        return lambda kind: SimpleNamespace(remote=lambda *args: self.start(kind(*args)))

    def start(self, inner: Any) -> Any:
        number = self.started
        self.started += 1

        async def ask(request: Request) -> Any:
            await asyncio.sleep(0)
            if number in self.deaths:
                raise self.deaths[number]
            self.asked[number] += 1
            return await inner.ask(request)

        methods = {"describe": inner.describe, "ask": ask, "close": inner.close}
        self.workers.append(SimpleNamespace(**{n: SimpleNamespace(remote=m) for n, m in methods.items()}))
        return _Hashable(self.workers[-1])

    def get(self, results: list[Any]) -> list[Any]:
        return [asyncio.run(result) for result in results]

    def kill(self, worker: Any) -> None:
        self.workers.remove(worker.inner)


class _Hashable:
    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "")
    found = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", found)
    return found


CODE = "import sys; from hydrometer.cli import main; main(sys.argv[1:])"


def plan_of_two(folder: Path) -> Path:
    (folder / "probes.jsonl").write_text("".join(f'{{"id": "p{i}", "prompt": "Why {i}?"}}\n' for i in range(30)))
    rows = [{"model": m, "prompt": f"Why {i}?", "response": f"{m}: {i}"} for m in ("one", "two") for i in range(30)]
    (folder / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    target = f'[[target]]\naddress = "replay:{folder}/answers.jsonl"\nmodel = '
    plan = folder / "plan.toml"
    plan.write_text(
        f'probes = "{folder}/probes.jsonl"\nstore = "{folder}/s.db"\ncanaries = 2\n{target}"one"\n{target}"two"\n'
    )
    return plan


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray: pip install 'hydrometer[ray]'")
def test_two_workers_answer_a_plan_and_the_store_is_that_of_a_run_without_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_of_two(tmp_path)
    # In a process of its own: Ray leaves threads and sockets behind, and must not find anybody's cluster or home.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {"HOME": str(tmp_path)}
    command = [sys.executable, "-c", CODE, "ask", "--plan", str(plan), "--ray", "2", "--yes", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [(line["model"], line["answered"], line["requests_sent"]) for line in lines] == [
        ("one", 30, 36), ("two", 30, 36)
    ]  # fmt: skip
    assert not (tmp_path / ".ray").exists()
    store = tmp_path / "s.db"
    assert check_store(store).findings == ()
    assert {a.text for a in read_answers(store)} == {f"{m}: {i}" for m in ("one", "two") for i in range(30)}
    status, out, _ = run(capsys, "ask", "--plan", str(plan), "--yes", "--json")
    assert (status, [json.loads(line)["requests_sent"] for line in out.splitlines()]) == (0, [0, 0])


def test_without_ray_one_line_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "")
    monkeypatch.setitem(sys.modules, "ray", None)
    status, _, error = run(capsys, "ask", "--plan", str(plan_of_two(tmp_path)), "--ray", "2", "--yes")
    assert (status, error.count("\n")) == (2, 1)
    assert "hydrometer[ray]" in error
    assert not (tmp_path / "s.db").exists()


def test_workers_share_the_work_and_a_dead_one_costs_what_it_had(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fake: FakeRay
) -> None:
    plan = plan_of_two(tmp_path)
    fake.deaths[1] = fake.ActorDiedError()
    fake.deaths[3] = fake.ActorUnavailableError()
    status, out, _ = run(capsys, "ask", "--plan", str(plan), "--ray", "2", "--yes", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (status, [line["answered"] for line in lines]) == (0, [30, 30])
    assert lines[0]["faults"] == {"a worker died and is not replaced": 4}
    # The one that is away is spared until it may be back.
    assert lines[1]["faults"] == {"a worker was lost (ActorUnavailableError)": 4}
    assert fake.asked == {0: 36, 2: 36}
    assert len(fake.workers) == 1  # the dead need no killing
    assert check_store(tmp_path / "s.db").findings == ()


def test_without_workers_the_run_stops_and_gives_nothing_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fake: FakeRay
) -> None:
    plan = plan_of_two(tmp_path)
    fake.deaths = dict.fromkeys(range(4), fake.ActorDiedError())
    status, out, error = run(capsys, "ask", "--plan", str(plan), "--ray", "2", "--yes", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (status, [(line["open"], line["failed"]) for line in lines]) == (2, [(30, 0), (30, 0)])
    assert "no worker is left" in error


def test_what_a_worker_cannot_open_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fake: FakeRay
) -> None:
    probes = ("--probes", "identity", "--store", str(tmp_path / "s.db"))
    status, _, error = run(capsys, "ask", "replay:nowhere.jsonl", *probes, "--ray", "2", "--yes")
    assert (status, error.count("\n")) == (2, 1)
    assert "no such file" in error
    assert fake.workers == []
