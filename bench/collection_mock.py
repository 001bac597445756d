"""The mock endpoint and a client in a process of its own, for bench/collection.py."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from hydrometer.collect import Settings, plan_questions
from hydrometer.collect.run import Collected, collect
from hydrometer.records.probes import Probe
from hydrometer.targets import Request
from hydrometer.targets.endpoint import Endpoint, EndpointOptions

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
        options = {"latency-ms": 2, "huge-mb": 1, "retry-after": 0.2, "slow-s": 1, "max-seconds": 14_400}
        given = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        command = [sys.executable, str(script), "--port", str(port), *given, "--max-faults-per-key", "1"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(400):
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


def probes(n: int, start: str = "ProbeRequest") -> list[Probe]:
    """Returns n probes."""
    return [Probe(id=f"p{i}", prompt=f"{start} {i}?") for i in range(n)]


def ask(mock: Mock, n: int, store: Path, *, concurrency: int = 64, canaries: int = 0, **options: Any) -> Collected:
    """Asks n probes of the mock."""
    timeout = options.pop("timeout", 20.0)
    target = Endpoint(f"{mock.address}/v1", model="mock", options=EndpointOptions(timeout=timeout))
    base = Request(prompt="", max_tokens=128)
    plan = plan_questions(probes(n), base=base, canaries=canaries)
    return collect(target, plan, store, settings=Settings(concurrency=concurrency, **options))


def start(
    mock: Mock, folder: Path, store: Path, n: int, *extra: str, limit: int | None = None, prompt: str = "ProbeRequest"
) -> subprocess.Popen[bytes]:
    """Starts the command line in a process of its own.

    Args:
        mock: whom it asks.
        folder: for the file of probes.
        store: where it keeps the answers.
        n: probes.
        *extra: further options.
        limit: bytes that no file of it may pass.
        prompt: how every prompt starts.
    """
    file = folder / f"probes-{prompt}-{n}.jsonl"
    if not file.exists():
        file.write_text("".join(json.dumps({"id": p.id, "prompt": p.prompt}) + "\n" for p in probes(n, prompt)))
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


def billed(mock: Mock) -> int:
    """Returns the requests that the mock has billed since it was reset."""
    return int(mock("/_ledger")["totals"].get("billed", 0))
