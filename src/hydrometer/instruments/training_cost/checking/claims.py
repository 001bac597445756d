"""The claims of a dossier, looked up by quantity and phase; one claim can stand in for another.

A claim is judged against the others. Where two claims give the same quantity of the same phase, the first of
the developer's own is the base, and each other one is put in its place in turn: so a press figure that is
wrong convicts itself, not the developer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hydrometer.instruments.training_cost.checking.measured import Measured
from hydrometer.records.dossier import ArchitectureSpec, Claim, Dossier, Phase
from hydrometer.records.quantities import HOURS_PER_DAY
from hydrometer.records.reference import Accelerator
from hydrometer.store.reference import find_accelerator

_OF_THE_MAIN_PHASE = frozenset(
    {
        "hours_per_trillion_tokens",
        "days_per_trillion_tokens",
        "tokens_per_day",
        "tokens_per_second",
        "tokens_per_second_per_accelerator",
        "step_time",
        "steps",
        "sequences_per_step",
        "tokens_per_step",
        "flop_per_token",
        "mfu",
        "achieved_flop_per_second",
        "goodput",
        "tokens",
        "training_flop",
    }
)
_INHERITED = frozenset({"price_per_hour", "n_accelerators"})
# By hand, 2026-11-24: not infinity, so that products and quotients of ranges stay numbers.
UNBOUNDED = 1e6
"""How far an open end of a range reaches, as a factor: beyond any comparison made here."""
_Key = tuple[str, str | None, str | None, str | None, bool | None]


@dataclass(frozen=True)
class Claims:
    """A dossier with one claim chosen for every quantity.

    Attributes:
        dossier: all that was claimed.
        focus: a claim that stands in for the base one of its quantity, if any.
    """

    dossier: Dossier
    focus: Claim | None = None
    _chosen: dict[_Key, Claim] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        own = [c for c in self.dossier.claims if self.party(c) == "developer"]
        helpers = [c for c in self.dossier.claims if self.focus is not None and c.source == self.focus.source]
        for claim in [*([self.focus] if self.focus else []), *own, *helpers]:
            self._chosen.setdefault(self._key(claim), claim)

    def party(self, claim: Claim) -> str:
        """Returns whose claim it is: `developer` or `third_party`."""
        return self.dossier.source(claim.source).party

    def _key(self, claim: Claim) -> _Key:
        return (claim.quantity, self.phase_of(claim), claim.attention, claim.peak, claim.includes_mtp)

    def phase_of(self, claim: Claim) -> str | None:
        """Returns the phase a claim is about; with a single phase, whole and phase are the same."""
        phases = self.dossier.phases
        if len(phases) == 1:
            return phases[0].id
        if claim.phase is None and claim.quantity in _OF_THE_MAIN_PHASE:
            main = [p.id for p in phases if p.kind == "pretraining"]
            return main[0] if len(main) == 1 else None
        return claim.phase

    def alternates(self) -> Iterator[Claim]:
        """Yields the claims that are not the base one of their quantity."""
        base = Claims(self.dossier)
        chosen = {claim.id for claim in base._chosen.values()}
        yield from (claim for claim in self.dossier.claims if claim.id not in chosen)

    def all(self, quantity: str, phase: str | None) -> list[Claim]:
        """Returns the chosen claims of a quantity, one for each convention."""
        return [c for (q, p, *_), c in self._chosen.items() if q == quantity and p == phase]

    def one(self, quantity: str, phase: str | None) -> Claim | None:
        """Returns the chosen claim; a price or a cluster size of the whole holds for its phases."""
        found = self.all(quantity, phase)
        if not found and quantity in _INHERITED and phase is not None:
            found = self.all(quantity, None)
        return found[0] if found else None

    def number(self, quantity: str, phase: str | None, *, bounds: bool = False) -> Measured | None:
        """Returns the chosen claim's number.

        Args:
            quantity: what is asked for.
            phase: of which phase; None for the whole.
            bounds: take "at most" and "at least" as ranges open on one side, instead of as no number.
        """
        claim = self.one(quantity, phase)
        if claim is None:
            return None
        if claim.relation == "at_most" and bounds:
            return Measured(claim.amount / UNBOUNDED, claim.amount, claim.amount, (claim.id,))
        if claim.relation == "at_least" and bounds:
            return Measured(claim.amount, claim.amount, claim.amount * UNBOUNDED, (claim.id,))
        return None if claim.relation in {"at_most", "at_least"} else Measured.from_claim(claim)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases of the training."""
        return self.dossier.phases

    @property
    def architecture(self) -> ArchitectureSpec | None:
        """The shape of the network, if it is known."""
        return self.dossier.architecture

    def accelerator(self, phase: Phase) -> Accelerator:
        """Returns the chip of a phase (the audit has checked that it is known)."""
        return find_accelerator(phase.accelerator)

    def whole_phase(self) -> str | None:
        """Returns the key under which claims about the whole training lie."""
        return self.phases[0].id if len(self.phases) == 1 else None

    def hours(self, phase: str | None, *, bounds: bool = False) -> Measured | None:
        """Returns the accelerator-hours: as claimed, or cluster times duration, or rate times tokens."""
        claimed = self.number("accelerator_hours", phase, bounds=bounds)
        if claimed is not None:
            return claimed
        n, days = self.number("n_accelerators", phase), self.number("wall_clock", phase)
        if n is not None and days is not None:
            return n * days * HOURS_PER_DAY
        rate, tokens = self.number("hours_per_trillion_tokens", phase), self.number("tokens", phase)
        return rate * tokens / 1e12 if rate is not None and tokens is not None else None

    def tokens(self, phase: Phase, *, bounds: bool = False) -> Measured | None:
        """Returns the tokens of a phase: as claimed, or summed over its legs."""
        claimed = self.number("tokens", phase.id, bounds=bounds)
        if claimed is not None:
            return claimed
        return leg_tokens(phase)


def leg_tokens(phase: Phase) -> Measured | None:
    """Returns steps x sequences x length summed over the legs, if every leg gives them."""
    amounts = [
        leg.steps * leg.sequences_per_step * leg.sequence_length
        for leg in phase.legs
        if leg.steps is not None and leg.sequences_per_step is not None and leg.sequence_length is not None
    ]
    if not amounts or len(amounts) < len(phase.legs):
        return None
    return Measured.exact(float(sum(amounts)))
