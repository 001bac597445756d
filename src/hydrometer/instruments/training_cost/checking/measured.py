"""Published numbers with the range that their rounding allows, and the comparison of two of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hydrometer.records.claim_checking import Check, Relation, Side
from hydrometer.records.dossier import Claim, Dossier
from hydrometer.records.evidence import Citation, Verdict
from hydrometer.records.numbers import amount

# By hand, 2026-11-24, while looking at the cases of bench/claim_cases.toml.
ABOUT = 0.05
"""What "about" and "approximately" allow beyond the digits: 5 %. A convention of ours."""
# By hand likewise.
TOO_COARSE = 2.0
"""Where rounding alone spans more than this factor, agreement says nothing."""


@dataclass(frozen=True)
class Measured:
    """A positive number and the range its rounded inputs allow.

    Attributes:
        low: smallest value that the printed digits allow.
        value: the number as printed, or computed from printed numbers.
        high: largest value that the printed digits allow.
        claims: ids of the claims it rests on.
    """

    low: float
    value: float
    high: float
    claims: tuple[str, ...] = ()

    @classmethod
    def exact(cls, value: float, claims: tuple[str, ...] = ()) -> Measured:
        """Returns a number without rounding."""
        return cls(value, value, value, claims)

    @classmethod
    def from_claim(cls, claim: Claim) -> Measured:
        """Returns the claim with the rounding of its printed digits."""
        slack = claim.half_width + (ABOUT * claim.amount if claim.relation == "about" else 0.0)
        return cls(max(claim.amount - slack, 0.0), claim.amount, claim.amount + slack, (claim.id,))

    def __mul__(self, other: Measured | float) -> Measured:
        """Multiplies the values and their ranges."""
        o = other if isinstance(other, Measured) else Measured.exact(other)
        return Measured(self.low * o.low, self.value * o.value, self.high * o.high, _joined(self, o))

    def __truediv__(self, other: Measured | float) -> Measured:
        """Divides the values and their ranges."""
        o = other if isinstance(other, Measured) else Measured.exact(other)
        # Not infinity: it must survive JSON.
        high = self.high / o.low if o.low > 0 else float("1e300")
        return Measured(self.low / o.high, self.value / o.value, high, _joined(self, o))

    def __add__(self, other: Measured) -> Measured:
        """Adds the values and their ranges."""
        return Measured(self.low + other.low, self.value + other.value, self.high + other.high, _joined(self, other))


def _joined(a: Measured, b: Measured) -> tuple[str, ...]:
    return tuple(dict.fromkeys(a.claims + b.claims))


def total(parts: Iterable[Measured]) -> Measured:
    """Returns the sum."""
    result = Measured.exact(0.0)
    for part in parts:
        result = result + part
    return result


def citation(dossier: Dossier, source_id: str, place: str) -> Citation:
    """Returns where something was read."""
    source = dossier.source(source_id)
    return Citation(
        title=source.title,
        address=source.address,
        place=place,
        date=source.date.isoformat(),
        grade=source.grade,
    )


def citations(dossier: Dossier, claim_ids: Iterable[str]) -> tuple[Citation, ...]:
    """Returns the places of these claims, each once."""
    by_id = {claim.id: claim for claim in dossier.claims}
    found = [citation(dossier, by_id[i].source, by_id[i].place) for i in claim_ids if i in by_id]
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Term:
    """One side of an equation: the number and how it is written."""

    measured: Measured
    text: str


def side(term: Term, unit: str) -> Side:
    """Returns the record of one side."""
    m = term.measured
    return Side(text=term.text, low=m.low, value=m.value, high=m.high, unit=unit)


def stated_relation(claim: Claim) -> Relation:
    """Returns how a computed value must stand to a claim: "at most X" is true when it is at most X."""
    if claim.relation == "at_most" or claim.relation == "at_least":
        return claim.relation
    return "equals"


def gap(left: Measured, right: Measured) -> float:
    """Returns by how much the ranges miss each other, as a ratio minus 1; 0 where they overlap.

    Positive where the left side is the larger.
    """
    if left.low > right.high:
        return left.low / right.high - 1 if right.high > 0 else float("1e300")
    if left.high < right.low:
        return -(right.low / left.high - 1) if left.high > 0 else float("-1e300")
    return 0.0


def judge(left: Measured, right: Measured, *, tolerance: float, relation: Relation) -> Verdict:
    """Returns whether the two sides agree, beyond rounding and within the tolerance."""
    miss = gap(left, right)
    if relation == "at_most":
        miss = max(miss, 0.0)
    elif relation == "at_least":
        miss = min(miss, 0.0)
    if abs(miss) > tolerance:
        return Verdict.OPPOSES
    if relation == "equals" and (left.high * right.high) > TOO_COARSE * (left.low * right.low):
        return Verdict.INCONCLUSIVE
    return Verdict.SUPPORTS


@dataclass(frozen=True, kw_only=True)
class Equation:
    """What published figures must satisfy.

    Attributes:
        name: which equation, the same for every dossier.
        title: what is checked, for people.
        phase: the phase it is about; None for the whole training.
        left: what follows from other claims.
        right: what was claimed, or the range that must hold.
        unit: unit of both sides.
        tolerance: allowed gap beyond rounding, ratio minus 1.
        reason: why this tolerance.
        relation: how left must stand to right.
        agree: explanation if it does.
        disagree: explanation if it does not; by default the size of the gap.
    """

    name: str
    title: str
    phase: str | None
    left: Term
    right: Term
    unit: str
    tolerance: float
    reason: str
    relation: Relation = "equals"
    agree: str = "The two sides agree."
    disagree: str | None = None

    def check(self, dossier: Dossier, *, verdict: Verdict | None = None) -> Check:
        """Returns the check, with the sources of its claims.

        Args:
            dossier: where the claims' sources stand.
            verdict: overrides the comparison, for checks with zones of their own.
        """
        left, right = self.left.measured, self.right.measured
        found = verdict or judge(left, right, tolerance=self.tolerance, relation=self.relation)
        claims = _joined(left, right)
        if found is Verdict.OPPOSES:
            explanation = self.disagree or _miss_in_words(left, right, self.unit)
        elif found is Verdict.INCONCLUSIVE and verdict is None:
            explanation = "The printed digits are too coarse to decide."
        else:
            explanation = self.agree
        return Check(
            id=f"{self.name}/{self.phase or 'whole'}/{'+'.join(claims)}",
            name=self.name,
            title=self.title,
            phase=self.phase,
            left=side(self.left, self.unit),
            right=side(self.right, self.unit),
            relation=self.relation,
            tolerance=self.tolerance,
            tolerance_reason=self.reason,
            gap=gap(left, right),
            verdict=found,
            explanation=explanation,
            claims=claims,
            sources=citations(dossier, claims),
        )


def _miss_in_words(left: Measured, right: Measured, unit: str) -> str:
    ratio = left.value / right.value if right.value else float("inf")
    times = f"{ratio:.2f} times" if ratio >= 1 else f"1/{1 / ratio:.2f} of" if ratio > 0 else "nothing of"
    return f"The left side, {amount(left.value, unit)}, is {times} the right side, {amount(right.value, unit)}."
