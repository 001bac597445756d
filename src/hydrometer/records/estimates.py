"""What a training takes, estimated with an interval."""

from __future__ import annotations

import datetime as dt
import math

from hydrometer.records.base import Record
from hydrometer.records.prices import Contract, PriceEstimate, Tier


class Quantiles(Record):
    """A number that is not known exactly: its 10, 50 and 90 % points; equal where it is exact."""

    p10: float
    p50: float
    p90: float

    @classmethod
    def exact(cls, value: float) -> Quantiles:
        """Returns a number without uncertainty."""
        return cls(p10=float(value), p50=float(value), p90=float(value))

    @classmethod
    def within(cls, value: float, factor: float) -> Quantiles:
        """Returns a number that is known up to a factor."""
        return cls(p10=value / factor, p50=value, p90=value * factor)

    def scaled(self, factor: float) -> Quantiles:
        """Returns it in other units."""
        return Quantiles(p10=self.p10 * factor, p50=self.p50 * factor, p90=self.p90 * factor)

    def times(self, other: Quantiles) -> Quantiles:
        """Returns the product with a number whose error has nothing to do with this one's: their logs add as squares.

        Neither is below 0; 0 times anything is 0.
        """
        if not self.p50 or not other.p50:
            return Quantiles.exact(0.0)
        low = math.hypot(math.log(self.p50 / self.p10), math.log(other.p50 / other.p10))
        high = math.hypot(math.log(self.p90 / self.p50), math.log(other.p90 / other.p50))
        middle = self.p50 * other.p50
        return Quantiles(p10=middle * math.exp(-low), p50=middle, p90=middle * math.exp(high))


class ParameterQuantiles(Record):
    """Parameters, total and active by each convention that can be determined."""

    total: Quantiles
    active: dict[str, Quantiles]


class FlopOfToken(Record):
    """FLOP of one token by each convention; only where the network's shape is known."""

    sequence_length: int
    forward: float
    training_causal: float
    training_full: float
    training_causal_with_recompute: float


class InformingRun(Record):
    """A published run that the estimate rests on, with its weight (an increase of its log MFU moves ours so much)."""

    model: str
    developer: str
    accelerator: str
    mfu: float
    weight: float


class HoursOperatingPoint(Record):
    """How good estimates of hours are on runs of developers that were left out."""

    measured_on: str
    date: dt.date
    command: str
    n_runs: int
    n_developers: int
    median_error: float
    """Of the middle estimate, relative to the published hours."""
    p90_ratio: float
    """Factor that 90 % of the runs stay within."""
    coverage: float
    """Share of runs whose published hours lie between p10 and p90."""
    width: float
    """Median ratio of p90 to p10."""


class CostEstimate(Record):
    """What `hydrometer cost estimate --json` prints."""

    subject: str
    phase: str
    tokens: float
    accelerator: str
    n_accelerators: int | None
    precision: str
    parameters: ParameterQuantiles
    flop_per_token: FlopOfToken | None
    kv_bytes_per_token: float | None
    """Of a long context, at 2 bytes a number."""
    training_flop: Quantiles
    utilisation: Quantiles
    """6·N_active·D over hours times the dense BF16 peak, the convention of published headlines."""
    steady_utilisation: float
    """What a tuned run reaches while it runs, by published benchmarks; the rest is lost time and less tuning."""
    goodput: Quantiles | None
    """Share of the hours that the run keeps; only where the steady utilisation is given."""
    accelerator_hours: Quantiles
    days: Quantiles | None
    usd: Quantiles
    contract: Contract
    tier: Tier
    price_date: dt.date
    price: PriceEstimate
    informed_by: tuple[InformingRun, ...]
    operating_point: HoursOperatingPoint
    method: str
    warnings: tuple[str, ...]
