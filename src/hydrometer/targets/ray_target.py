"""Asks through workers that Ray places on one or many machines.

Only the asking is spread. The process that started the run keeps the one store: it commits the intent before a worker
is asked, and the answer before it is used, so that whatever becomes of a worker, nothing is lost and no cap is passed.
SQLite's write-ahead log does not work over network file systems, so that workers elsewhere could not share a store.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hydrometer.errors import HydrometerError, InputError, printable
from hydrometer.records.exchange import Capabilities, Fault, Reply, Request, Target
from hydrometer.targets.open import open_target

# By hand, 2026-11-26: a worker that dies four times has a reason that a fifth start does not mend.
_RESTARTS = 3
# By hand, 2026-11-26.
_AWAY = 10.0
"""Seconds that a worker is given to start again, while others do its work."""


class Worker:
    """One opened target in a process that Ray started."""

    def __init__(self, name: str, model: str | None, endpoint: Mapping[str, Any]) -> None:
        """Notes what to open: where it fails, the words of the error are to reach the person who asked."""
        self._order = name, model, endpoint
        self._target: Target | None = None

    def _opened(self) -> Target:
        if self._target is None:
            name, model, endpoint = self._order
            self._target = open_target(name, model=model, **endpoint)
        return self._target

    async def describe(self) -> dict[str, Any]:
        """Returns what the target is, or why it cannot be opened here."""
        try:
            target = self._opened()
        except InputError as error:
            return {"problem": error.problem, "cure": error.cure, "where": error.where}
        except HydrometerError as error:
            return {"problem": str(error), "cure": "mend it on every machine of the cluster", "where": "--ray"}
        return {
            "model": target.model,
            "identity": dict(target.identity),
            "capabilities": target.capabilities,
        }

    async def ask(self, request: Request) -> Reply | dict[str, Any]:
        """Returns the reply, or the fields of the fault: exceptions lose theirs between processes."""
        try:
            return await self._opened().ask(request)
        except Fault as fault:
            return fault.fields
        except HydrometerError as error:  # a worker that was started again, on a machine that lacks something
            return {"reason": printable(error, limit=200), "retry": True}

    async def close(self) -> None:
        """Closes the target."""
        if self._target is not None:
            await self._target.close()


class RayTarget:
    """One subject, asked by several workers at once; its answers count as those of the same target asked directly."""

    def __init__(self, name: str, *, workers: int, model: str | None = None, **endpoint: Any) -> None:
        """Starts the workers and has each open the target; sends no request.

        Joins the cluster that `RAY_ADDRESS` names; otherwise one is started on this machine, for it alone. Keys are
        read from the environment of each worker and do not travel.

        Args:
            name: as for `open_target`.
            workers: how many, at least 1.
            model: the subject's name.
            **endpoint: see `EndpointOptions`.

        Raises:
            InputError: if ray is missing, no cluster can be reached, or a worker cannot open the target.
        """
        # Tried: a store per worker, merged at the end (not built: answers would be lost with a machine's disk, caps cut
        # into shares), leases on one store (one machine only). See docs/log.md, 2026-11-25.
        self._ray = _started()
        # Ray must not send a request again by itself: every attempt is recorded, and may have to be paid.
        remote = self._ray.remote(num_cpus=0, max_restarts=_RESTARTS, max_task_retries=0, scheduling_strategy="SPREAD")
        worker = remote(Worker)
        self._workers = [worker.remote(name, model, endpoint) for _ in range(workers)]
        self._under_way: Counter[Any] = Counter()
        self._away_until: defaultdict[Any, float] = defaultdict(float)
        try:
            found = self._ray.get([w.describe.remote() for w in self._workers])
        except self._ray.exceptions.RayError as error:
            self._kill()
            raise InputError(
                f"a worker could not be started ({printable(type(error).__name__, limit=60)})",
                cure="install the same hydrometer on every machine of the cluster",
                where="--ray",
            ) from None
        for reported in found:
            if "problem" in reported:
                self._kill()
                raise InputError(**reported)
        if any(reported["identity"] != found[0]["identity"] for reported in found):
            self._kill()
            raise InputError("the workers opened different targets", cure="give each the same weights", where=name)
        self._model: str = found[0]["model"]
        self._identity: dict[str, str] = found[0]["identity"]
        most: list[int | None] = [reported["capabilities"].most_at_once for reported in found]
        self._capabilities = Capabilities(
            most_at_once=None if None in most else sum(n for n in most if n is not None),
            billed=found[0]["capabilities"].billed,
        )

    @property
    def model(self) -> str:
        """The subject's name."""
        return self._model

    @property
    def identity(self) -> Mapping[str, str]:
        """That of the target itself, so that it does not matter later who asked."""
        return MappingProxyType(self._identity)

    @property
    def capabilities(self) -> Capabilities:
        """Those of the target, for as many workers as there are."""
        return self._capabilities

    async def ask(self, request: Request) -> Reply:
        """Returns the reply of the worker that has least to do.

        Raises:
            Fault: if no usable answer came back; also where a worker died.
        """
        if not self._workers:
            raise Fault("no worker is left", retry=True, unreachable=True)
        now = time.monotonic()
        chosen = min(self._workers, key=lambda worker: (self._away_until[worker] > now, self._under_way[worker]))
        self._under_way[chosen] += 1
        try:
            reported = await chosen.ask.remote(request)
        except self._ray.exceptions.ActorDiedError:
            # Started again too often, or its machine is gone. Whether it had answered, nobody can know: that is paid.
            self._workers = [worker for worker in self._workers if worker != chosen]
            raise Fault("a worker died and is not replaced", retry=True) from None
        except self._ray.exceptions.RayError as error:
            # It has nothing under way now, and would draw every request until it is back.
            self._away_until[chosen] = now + _AWAY
            raise Fault(f"a worker was lost ({printable(type(error).__name__, limit=60)})", retry=True) from None
        finally:
            self._under_way[chosen] -= 1
        if isinstance(reported, dict):
            raise Fault(**reported)
        assert isinstance(reported, Reply)
        return reported

    async def close(self) -> None:
        """Ends the workers; Ray itself ends with the process."""
        for worker in self._workers:
            # One whose machine is gone may never answer; it is ended below all the same.
            with contextlib.suppress(self._ray.exceptions.RayError, TimeoutError):
                await asyncio.wait_for(worker.close.remote(), _AWAY)
        self._kill()

    def _kill(self) -> None:
        for worker in self._workers:
            self._ray.kill(worker)


def _started() -> Any:
    """Returns the library, connected."""
    address = os.environ.get("RAY_ADDRESS")
    # All of these are read when the library is imported. It reports on its use to its makers unless told not to.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if address is None:
        # A cluster for one run on one machine: on the loopback address, and with a password that ends with it.
        # Ray's defaults listen on every address and write a password into the home folder (docs/log.md, 2026-11-25).
        os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        import ray
    except ImportError:
        raise InputError("ray is not installed", cure="pip install 'hydrometer[ray]'", where="--ray") from None
    if ray.is_initialized():
        return ray
    own = {"address": "local", "include_dashboard": False}
    try:
        ray.init(log_to_driver=False, configure_logging=False, **(own if address is None else {"address": address}))
    except Exception as error:  # Ray raises many kinds where processes or ports cannot be had
        raise InputError(
            f"Ray cannot be started or reached ({printable(error, limit=120)})",
            cure="check RAY_ADDRESS, or unset it to start one on this machine",
            where="--ray",
        ) from None
    return ray
