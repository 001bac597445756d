"""Could the stated hours have done the stated work? The subject among published runs.

References:
    Ceilings: best steady-state training benchmarks published, over the peak of their own precision: BF16 0.64
    (MosaicML, A100), FP8 0.53 and FP4 0.24 (NVIDIA Megatron-Bridge, GB300; 2026). Floor and range of whole runs:
    the package's table of published runs, `data/reference_runs.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator

from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.compute import active_parameters, phase_flop
from hydrometer.instruments.training_cost.checking.measured import TOO_COARSE, Equation, Measured, Term
from hydrometer.instruments.training_cost.checking.money_checks import not_checkable
from hydrometer.instruments.training_cost.checking.utilisation_checks import whole_run_utilisation
from hydrometer.records.claim_checking import Check, UtilisationPoint
from hydrometer.records.dossier import Phase
from hydrometer.records.evidence import Verdict
from hydrometer.records.numbers import percent, readable
from hydrometer.records.quantities import SECONDS_PER_HOUR
from hydrometer.records.reference import ReferenceRun
from hydrometer.store.reference import reference_runs

# Rounded up from 0.64, 0.53 and 0.24; FP16 as BF16, whose peak it shares. Tried: the best whole run of other
# developers; 5 of 48 true headlines came out inconclusive. See docs/log.md, 2026-11-24.
CEILING = {"bf16": 0.65, "fp16": 0.65, "fp8": 0.55, "fp4": 0.26}
"""Highest steady utilisation ever published, over the peak of the same precision, rounded up."""
# As `GOODPUT` in estimating/phases.py.
USUAL_GOODPUT = 0.87
"""Median share of the steady rate that whole runs kept (Olmo 3, Llama 3.1, Gopher, PaLM, Skywork, SmolLM3)."""
# By hand, 2026-11-24, while looking at the 41 runs without a shape: it catches a tenfold excess of hours in 32 of them.
FLOOR_MARGIN = 2.0
"""Below the lowest published run by more than this factor, a bill is opposed."""
# Tried: the floor for small models too; it opposed Llama 3.2 1B (5.0 %). See docs/log.md, 2026-11-25.
SMALL_MODEL = 1.5e9
_JUDGED_FROM_BELOW = frozenset({"pretraining", "context_extension"})


def plausible_utilisation(claims: Claims) -> Iterator[Check]:
    """Exact FLOP over hours against what published runs reached, for every phase with tokens and hours."""
    for phase in claims.phases:
        if phase.kind == "reinforcement_learning":
            continue  # most of its hours generate text, so training FLOP say little about them
        used = whole_run_utilisation(claims, phase)
        hours, tokens = claims.hours(phase.id, bounds=True), claims.tokens(phase, bounds=True)
        if used is not None:
            yield _judge_utilisation(claims, phase, used)
        elif (hours is None) != (tokens is None) and phase.kind == "pretraining":
            found, lacking = ("hours", "tokens") if tokens is None else ("tokens", "hours")
            measured = hours or tokens
            assert measured is not None
            yield not_checkable(
                claims,
                name="plausible_utilisation",
                title="The stated hours could have done the stated work",
                phase=phase.id,
                ids=measured.claims,
                why=f"{found} were published without {lacking}",
            )


def other_runs(claims: Claims, *, same_developer: bool) -> tuple[ReferenceRun, ...]:
    """Returns the published runs that are not the subject itself.

    Args:
        claims: the subject.
        same_developer: keep other runs by the same makers. A bill is judged without them, so that nobody
            sets the standard that it is held to.
    """
    model = claims.dossier.model
    developer = model.developer.casefold()
    return tuple(
        run
        for run in reference_runs()
        if run.model.casefold() != model.name.casefold() and (same_developer or run.developer.casefold() != developer)
    )


def _judge_utilisation(claims: Claims, phase: Phase, used: Measured) -> Check:
    chip = claims.accelerator(phase)
    runs = [run.mfu for run in other_runs(claims, same_developer=False)]
    lowest = min(runs)
    own_peak = chip.peak(phase.precision)
    ceiling = CEILING[phase.precision] * (own_peak or chip.bf16_flop_per_second) / chip.bf16_flop_per_second
    usual = max([ceiling * USUAL_GOODPUT, *runs])
    active = active_parameters(claims)
    small = active is not None and active.value < SMALL_MODEL
    judged_below = phase.kind in _JUDGED_FROM_BELOW and not small
    verdict, words = _zone(used, lowest, usual, ceiling, judged_below=judged_below)
    flop, hours = phase_flop(claims, phase), claims.hours(phase.id, bounds=True)
    assert flop is not None
    assert hours is not None
    rate = flop.flop.value / (hours.value * SECONDS_PER_HOUR)
    own = (
        f"; {percent(rate / own_peak)} of the {phase.precision.upper()} peak"
        if own_peak and phase.precision in {"fp8", "fp4"}
        else ""
    )
    text = (
        f"{flop.text} ÷ {readable(hours.value)} h ÷ {chip.bf16_flop_per_second / 1e12:g} TFLOP/s "
        f"({chip.name}, BF16) = {percent(used.value)}{own}"
    )
    short_form = _short_form_note(claims, phase, used)
    return Equation(
        name="plausible_utilisation",
        title="The stated hours could have done the stated work",
        phase=phase.id,
        left=Term(used, text),
        right=Term(
            Measured(lowest, (lowest * usual) ** 0.5, usual),
            f"{percent(lowest)}, the lowest of {len(runs)} published runs by others, to {percent(usual)}, the best "
            f"steady benchmark less the usual lost time",
        ),
        unit="fraction",
        tolerance=FLOOR_MARGIN - 1,
        reason=f"above {percent(ceiling)} of the BF16 peak no steady benchmark has been published; "
        f"half of the lowest published run is taken as the floor",
        relation="within",
        agree=words + short_form,
        disagree=words,
    ).check(claims.dossier, verdict=verdict)


def _zone(used: Measured, lowest: float, usual: float, ceiling: float, *, judged_below: bool) -> tuple[Verdict, str]:
    if used.low > ceiling:
        times = used.value / ceiling
        return Verdict.OPPOSES, (
            f"It would need {percent(used.value)} of the BF16 peak, {times:.1f} times the best ever published in the "
            "steady state: the hours are too few or the tokens too many."
        )
    if used.low > usual:
        return Verdict.INCONCLUSIVE, "Only a run without the usual lost time at the best published speed reaches this."
    if used.value < lowest <= used.high and used.high > TOO_COARSE * used.low:
        return Verdict.INCONCLUSIVE, "Only a bound was published: more tokens or fewer hours would be ordinary."
    if used.high >= lowest:
        return Verdict.SUPPORTS, "Ordinary: published runs reach this."
    if used.high < lowest / FLOOR_MARGIN and judged_below:
        return Verdict.OPPOSES, (
            f"It would mean {percent(used.value)} of the BF16 peak, {lowest / used.value:.1f} times below the lowest "
            "published run: the hours are too many or the tokens too few."
        )
    return Verdict.INCONCLUSIVE, "Below every published whole run; small and short runs often are."


def _short_form_note(claims: Claims, phase: Phase, used: Measured) -> str:
    """Says what the short form 6·N·D would have shown, where it misleads."""
    active, tokens, hours = active_parameters(claims), claims.tokens(phase), claims.hours(phase.id)
    if active is None or tokens is None or hours is None or claims.architecture is None:
        return ""
    peak = claims.accelerator(phase).bf16_flop_per_second
    short = 6 * active.value * tokens.value / (hours.value * SECONDS_PER_HOUR * peak)
    # By hand, 2026-11-24: below half as much again the short form misleads nobody.
    if used.value < 1.5 * short:
        return ""
    return (
        f" By 6·N·D alone it would look like {percent(short)}, wrongly suspicious: at this sequence length the "
        f"attention core is {percent(1 - short / used.value, 0)} of the work."
    )


def utilisation_points(claims: Claims) -> tuple[UtilisationPoint, ...]:
    """Returns the published runs and the subject, all by 6·N_active·D over hours and BF16 peak."""
    points = [
        UtilisationPoint(
            model=run.model,
            developer=run.developer,
            accelerator=run.accelerator,
            hardware=run.hardware,
            architecture=run.architecture,
            precision=run.precision,
            mfu=run.mfu,
            is_subject=False,
            source=run.source,
        )
        for run in other_runs(claims, same_developer=True)
    ]
    points += [point for phase in claims.phases if (point := _subject_point(claims, phase)) is not None]
    return tuple(points)


def _subject_point(claims: Claims, phase: Phase) -> UtilisationPoint | None:
    active, tokens, hours = active_parameters(claims), claims.tokens(phase), claims.hours(phase.id)
    if phase.kind != "pretraining" or active is None or tokens is None or hours is None:
        return None
    chip = claims.accelerator(phase)
    total = claims.number("total_parameters", claims.whole_phase())
    # 5 %: rounded totals of dense models exceed their active figure by less.
    is_mixture = total is not None and total.value > 1.05 * active.value
    return UtilisationPoint(
        model=claims.dossier.model.name,
        developer=claims.dossier.model.developer,
        accelerator=chip.name,
        hardware=chip.hardware,
        architecture="moe" if is_mixture else "dense",
        precision=phase.precision,
        mfu=6 * active.value * tokens.value / (hours.value * SECONDS_PER_HOUR * chip.bf16_flop_per_second),
        is_subject=True,
        source="this dossier",
    )
