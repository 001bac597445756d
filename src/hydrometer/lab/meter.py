"""The ledger: what a run took, by the instruments that audit others' runs."""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import Any

import torch

from hydrometer.costs.architecture import Architecture
from hydrometer.costs.flop import forward_flop_per_token, training_flop_per_token
from hydrometer.lab import ranks
from hydrometer.lab.network import Network, architecture
from hydrometer.lab.recipes import Bill
from hydrometer.records.base import Record

_JOULES_PER_KWH = 3.6e6
_SECONDS_PER_HOUR = 3600.0
# Intel's counter of the package, as Linux shows it; AMD's newer processors offer it under the same name.
_RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")
# By hand, 2026-11-25: milliseconds each. The best of eight, since neighbours on a machine slow single ones down.
_PRODUCT = 768


class Ledger(Record):
    """What one run took. None: not known, and not guessed."""

    device: str
    n_devices: int
    precision: str
    tokens: int
    """Tokens that the model learnt from."""
    sampled_tokens: int
    """Tokens that teachers, or the student on its own policy, wrote for it."""
    training_flop: float
    """6·N·tokens and the attention core, causal, multi-token module included."""
    other_flop: float
    """Forward passes of teachers and of sampling."""
    device_seconds: float
    """Processor seconds of the process on a CPU, seconds times devices on a GPU; all runs of a resumed training."""
    wall_seconds: float
    peak_flop_per_second: float
    """Of one device."""
    peak_method: str
    mfu: float
    """(training + other FLOP) / (device-seconds · peak)."""
    kwh: float | None
    energy_method: str
    usd: float | None
    price: str
    predicted_device_hours: float
    """FLOP / (peak · the utilisation that the recipe expects), known before the run."""
    measured_device_hours: float


def measured_peak(*, device: str, precision: str) -> float:
    """Returns the best of eight products of two square matrices in FLOP per device-second.

    Args:
        device: as torch spells it.
        precision: `fp32` or `bf16`.
    """
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    # 8,192 on a GPU by hand: smaller products do not fill it. Not run here.
    size = _PRODUCT if device == "cpu" else 8192
    left = torch.ones(size, size, dtype=kind, device=device)
    best = float("inf")
    for _ in range(8):
        start = _now(device)
        left @ left
        best = min(best, _now(device) - start)
    return 2.0 * size**3 / max(best, 1e-9)


def _now(device: str) -> float:
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


class Meter:
    """Counts while a run goes on. `start` may be what an earlier part of the run had counted."""

    def __init__(self, bill: Bill, *, device: str, precision: str, start: dict[str, Any] | None = None) -> None:
        self.bill, self.device, self.precision = bill, device, precision
        self.count: dict[str, float] = {
            "tokens": 0, "sampled_tokens": 0, "training_flop": 0.0, "other_flop": 0.0,
            "device_seconds": 0.0, "wall_seconds": 0.0, "joules": 0.0,
        } | (start or {})  # fmt: skip
        stated = bill.peak_flop_per_second
        self.peak = stated or measured_peak(device=device, precision=precision)
        self.peak_method = "stated in the recipe" if stated else f"measured: product of two {precision} matrices"
        self._networks: dict[int, Architecture] = {}
        self._wall, self._busy, self._joules = time.perf_counter(), _now(device), _counter()

    def _network(self, model: Network) -> Architecture:
        if id(model) not in self._networks:
            self._networks[id(model)] = architecture(model.config)
        return self._networks[id(model)]

    def learnt(self, model: Network, n_tokens: int, length: int) -> None:
        """Counts a training step."""
        self.count["tokens"] += n_tokens
        self.count["training_flop"] += n_tokens * training_flop_per_token(self._network(model), sequence_length=length)

    def read(self, model: Network, n_tokens: int, length: int, *, sampled: bool) -> None:
        """Counts a forward pass without learning, token by token if `sampled`."""
        self.count["sampled_tokens"] += n_tokens if sampled else 0
        self.count["other_flop"] += n_tokens * forward_flop_per_token(self._network(model), sequence_length=length)

    def so_far(self) -> dict[str, float]:
        """Returns the counts up to now, as a checkpoint keeps them."""
        wall, busy, joules = time.perf_counter(), _now(self.device), _counter()
        self.count["wall_seconds"] += wall - self._wall
        self.count["device_seconds"] += busy - self._busy
        # The counter starts again from 0 when it is full: such a stretch is left out, not counted as negative.
        if joules is not None and self._joules is not None and joules >= self._joules:
            self.count["joules"] += joules - self._joules
        self._wall, self._busy, self._joules = wall, busy, joules
        return dict(self.count)

    def ledger(self, *, predicted_flop: float) -> Ledger:
        """Returns the ledger of the whole run."""
        done = self.so_far()
        flop = done["training_flop"] + done["other_flop"]
        seconds = max(float(ranks.total(float(done["device_seconds"]))), 1e-9)
        kwh, method = self._energy(done, seconds)
        usd, price = self._dollars(seconds)
        return Ledger(
            device=_name(self.device), n_devices=ranks.count(), precision=self.precision,
            tokens=int(done["tokens"]), sampled_tokens=int(done["sampled_tokens"]),
            training_flop=float(done["training_flop"]), other_flop=float(done["other_flop"]),
            device_seconds=seconds, wall_seconds=float(done["wall_seconds"]), peak_flop_per_second=self.peak,
            peak_method=self.peak_method, mfu=flop / (seconds * self.peak), kwh=kwh, energy_method=method, usd=usd,
            price=price, measured_device_hours=seconds / _SECONDS_PER_HOUR,
            predicted_device_hours=predicted_flop / (self.peak * self.bill.expected_utilisation) / _SECONDS_PER_HOUR,
        )  # fmt: skip

    def _energy(self, done: dict[str, float], seconds: float) -> tuple[float | None, str]:
        if done["joules"] > 0:
            return done["joules"] / _JOULES_PER_KWH, "RAPL counter of the package, other programs included"
        if self.bill.watts_per_device is not None:
            kwh = self.bill.watts_per_device * seconds / _JOULES_PER_KWH
            return kwh, f"device-seconds times {self.bill.watts_per_device:g} W as the recipe states"
        return None, "no counter can be read and the recipe states no watts"

    def _dollars(self, seconds: float) -> tuple[float | None, str]:
        bill = self.bill
        if bill.usd_per_device_hour is None:
            return None, "the recipe states no price"
        contract = f", {bill.contract}" if bill.contract else ""
        price = f"${bill.usd_per_device_hour:g} per device-hour on {bill.date}{contract} ({bill.source})"
        return bill.usd_per_device_hour * seconds / _SECONDS_PER_HOUR, price


def _counter() -> float | None:
    try:
        return int(_RAPL.read_text()) / 1e6
    except (OSError, ValueError):
        return None


def _name(device: str) -> str:
    if device != "cpu":
        return str(torch.cuda.get_device_name(device))
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"one core of {names[0] if names else platform.machine()}"
