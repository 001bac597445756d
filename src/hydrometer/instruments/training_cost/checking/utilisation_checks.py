"""Checks of model FLOP utilisation: against the statement, against the peak, and against other runs.

A utilisation means nothing without its conventions: masked attention as half or full, MTP in or out, and the
precision of the peak. Where a claim states them they are used; where it does not, any is accepted and named.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Literal

from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.compute import (
    FlopPerToken,
    flop_per_token,
    phase_flop,
    sequence_length,
)
from hydrometer.instruments.training_cost.checking.measured import TOO_COARSE, Equation, Measured, Term, gap
from hydrometer.instruments.training_cost.checking.rate_checks import (
    GOODPUT_HIGH,
    GOODPUT_LOW,
    GOODPUT_REASON,
    step_rate,
)
from hydrometer.records.claim_checking import Check
from hydrometer.records.dossier import Claim, Phase, Precision
from hydrometer.records.numbers import amount, percent, readable
from hydrometer.records.quantities import SECONDS_PER_DAY, SECONDS_PER_HOUR

# Set by hand, 2026-11-24, while looking at the cases of bench/claim_cases.toml; reasons are printed with each check.
RATIO_TOLERANCE = 0.015
EXACT_TOLERANCE = 0.03
SHORT_FORM_TOLERANCE = 0.20


def flop_rate_over_peak(claims: Claims) -> Iterator[Check]:
    """Achieved FLOP per second over the peak against the stated utilisation, same conventions."""
    for phase in claims.phases:
        chip = claims.accelerator(phase)
        for rate, mfu in itertools.product(
            claims.all("achieved_flop_per_second", phase.id), claims.all("mfu", phase.id)
        ):
            if not _compatible(rate, mfu):
                continue
            peak = chip.peak(mfu.peak or "bf16")
            if peak is None:
                continue
            ratio = Measured.from_claim(rate) / peak
            yield Equation(
                name="flop_rate_over_peak",
                title=f"Achieved FLOP per second ÷ {(mfu.peak or 'bf16').upper()} peak = utilisation",
                phase=phase.id,
                left=Term(
                    ratio,
                    f"{rate.amount / 1e12:g} ÷ {peak / 1e12:g} TFLOP/s ({chip.name}) = {percent(ratio.value, 2)}",
                ),
                right=Term(Measured.from_claim(mfu), f"{percent(mfu.amount, 2)} {_conventions(mfu)}"),
                unit="fraction",
                tolerance=RATIO_TOLERANCE,
                reason="a quotient of published numbers; 1.5 %: makers round the peak (989, 989.4, 990)",
            ).check(claims.dossier)


def _compatible(a: Claim, b: Claim) -> bool:
    pairs = ((a.attention, b.attention), (a.includes_mtp, b.includes_mtp))
    return all(x is None or y is None or x == y for x, y in pairs)


def _conventions(claim: Claim) -> str:
    parts = [
        f"{claim.attention} attention" if claim.attention else "",
        f"{claim.peak.upper()} peak" if claim.peak else "",
    ]
    if claim.includes_mtp is not None:
        parts.append("MTP counted" if claim.includes_mtp else "MTP left out")
    stated = ", ".join(part for part in parts if part)
    return f"({stated})" if stated else "(conventions not stated)"


def rate_from_throughput(claims: Claims) -> Iterator[Check]:
    """FLOP per token x tokens per second against stated utilisation and FLOP rate: the same steady state."""
    for phase in claims.phases:
        found = _steady_tokens(claims, phase)
        if found is None:
            continue
        tokens_per_second, text = found
        for claim in _rate_claims(claims, phase):
            yield from _compare_rate(claims, phase, claim, tokens_per_second, text, steady=True)


def rate_from_hours(claims: Claims) -> Iterator[Check]:
    """FLOP of the phase over its hours against stated utilisation and FLOP rate: less by the lost time."""
    for phase in claims.phases:
        tokens, hours = claims.tokens(phase), claims.hours(phase.id)
        if tokens is None or hours is None or phase.kind == "reinforcement_learning":
            continue
        per_second = tokens / hours / SECONDS_PER_HOUR
        text = f"{readable(tokens.value)} tokens ÷ {readable(hours.value)} h"
        for claim in _rate_claims(claims, phase):
            yield from _compare_rate(claims, phase, claim, per_second, text, steady=False)


def _rate_claims(claims: Claims, phase: Phase) -> list[Claim]:
    return claims.all("mfu", phase.id) + claims.all("achieved_flop_per_second", phase.id)


def _steady_tokens(claims: Claims, phase: Phase) -> tuple[Measured, str] | None:
    """Returns tokens per second and accelerator in the steady state, as any stated rate gives it."""
    each = claims.number("tokens_per_second_per_accelerator", phase.id)
    if each is not None:
        return each, f"{readable(each.value)} tokens/s"
    n = claims.number("n_accelerators", phase.id)
    if n is None:
        return None
    cluster = claims.number("tokens_per_second", phase.id)
    if cluster is not None:
        return cluster / n, f"{readable(cluster.value)} tokens/s ÷ {n.value:,.0f}"
    steps = step_rate(claims, phase)
    if steps is not None:
        rate, _ = steps
        return (
            rate / SECONDS_PER_DAY / n,
            f"{readable(rate.value)} tokens a day (from step time) ÷ {n.value:,.0f}",
        )
    day = claims.number("tokens_per_day", phase.id)
    if day is not None:
        return day / SECONDS_PER_DAY / n, f"{readable(day.value)} tokens a day ÷ {n.value:,.0f}"
    return None


def _choices(claims: Claims, phase: Phase, claim: Claim) -> Iterator[tuple[FlopPerToken, Precision]]:
    """Yields the FLOP per token and the peak for every convention that the claim leaves open."""
    attentions: tuple[Literal["causal", "full"], ...] = (claim.attention,) if claim.attention else ("causal", "full")
    has_mtp = claims.architecture is not None and claims.architecture.mtp_layers > 0
    mtps = (claim.includes_mtp,) if claim.includes_mtp is not None else (False, True) if has_mtp else (False,)
    # Utilisation of FP8 runs is commonly quoted over the BF16 peak.
    peaks: tuple[Precision, ...] = (claim.peak,) if claim.peak else tuple({"bf16": None, phase.precision: None})
    for attention, mtp, peak in itertools.product(attentions, mtps, peaks):
        found = flop_per_token(claims, sequence_length=sequence_length(phase), attention=attention, include_mtp=mtp)
        if found is not None:
            yield found, peak


def _compare_rate(
    claims: Claims, phase: Phase, claim: Claim, tokens_per_second: Measured, text: str, *, steady: bool
) -> Iterator[Check]:
    chip = claims.accelerator(phase)
    stated = Measured.from_claim(claim)
    is_mfu = claim.quantity == "mfu"
    low, high = (1.0, 1.0) if steady else (GOODPUT_LOW, GOODPUT_HIGH)
    allowed = Measured(stated.low * low, stated.value, stated.high * high, stated.claims)
    best: tuple[float, Measured, FlopPerToken, Precision] | None = None
    for flop, precision in _choices(claims, phase, claim):
        peak = chip.peak(precision)
        if is_mfu and peak is None:
            continue
        rate = flop.flop * tokens_per_second
        rate = rate / peak if is_mfu and peak is not None else rate
        miss = abs(gap(rate, allowed))
        if best is None or miss < best[0]:
            best = (miss, rate, flop, precision)
    if best is None:
        return
    _, rate, flop, precision = best
    over = f" ÷ {precision.upper()} peak" if is_mfu else ""
    unit = claim.kind.unit
    slack = EXACT_TOLERANCE if flop.exact else SHORT_FORM_TOLERANCE
    ratio = rate.value / stated.value
    wanted = f"{amount(stated.value, unit)} {_conventions(claim)}"
    yield Equation(
        name="rate_from_throughput" if steady else "rate_from_hours",
        title=f"FLOP per token × {'steady throughput' if steady else 'tokens ÷ hours'}{over} = stated "
        f"{'utilisation' if is_mfu else 'FLOP rate'}{'' if steady else ', less lost time'}",
        phase=phase.id,
        left=Term(rate, f"{flop.text} × {text}{over} = {amount(rate.value, unit)}"),
        right=Term(allowed, wanted if steady else f"60 to 103 % of {wanted}"),
        unit=unit,
        tolerance=slack,
        reason=("FLOP counters differ by 1 to 3 %" if flop.exact else "6·N leaves out the attention core: 20 %")
        + ("" if steady else f"; {GOODPUT_REASON}"),
        relation="equals" if steady else "within",
        agree=f"The computed value is {100 * ratio:.1f} % of the stated one.",
    ).check(claims.dossier)


def flop_per_token_stated(claims: Claims) -> Iterator[Check]:
    """FLOP per token from the shape against the statement, by the convention that fits best."""
    for phase in claims.phases:
        for claim in claims.all("flop_per_token", phase.id):
            stated = Measured.from_claim(claim)
            choices = list(_choices(claims, phase, claim))
            if not choices or claims.architecture is None:
                continue
            best = min((flop for flop, _ in choices), key=lambda f: abs(gap(f.flop, stated)))
            yield Equation(
                name="flop_per_token",
                title="FLOP per token, counted from the shape = stated",
                phase=phase.id,
                left=Term(best.flop, best.text),
                right=Term(stated, f"{claim.amount / 1e9:g} GFLOP/token {_conventions(claim)}"),
                unit="FLOP per token",
                tolerance=EXACT_TOLERANCE,
                reason="FLOP counters differ by 1 to 3 % in what they leave out",
            ).check(claims.dossier)


def sibling_efficiency(claims: Claims, siblings: list[Claims]) -> Iterator[Check]:
    """Utilisation against a model by the same makers on the same hardware."""
    for phase in claims.phases:
        if phase.kind != "pretraining":
            continue
        # Without MTP, as makers state utilisation: a sibling may have no such module.
        mine = whole_run_utilisation(claims, phase, include_mtp=False)
        for sibling in siblings:
            for other in sibling.phases:
                same = claims.accelerator(phase).hardware == sibling.accelerator(other).hardware
                theirs = whole_run_utilisation(sibling, other, include_mtp=False)
                if other.kind != "pretraining" or not same or mine is None or theirs is None:
                    continue
                if mine.high > TOO_COARSE * mine.low or theirs.high > TOO_COARSE * theirs.low:
                    continue  # bounds only: any ratio would fit
                yield _sibling_check(claims, sibling, phase, other, mine, theirs)


def _sibling_check(
    claims: Claims, sibling: Claims, phase: Phase, other: Phase, mine: Measured, theirs: Measured
) -> Check:
    narrower = phase.precision in {"fp8", "fp4"} and other.precision in {"bf16", "fp16"}
    # By hand, 2026-11-24. DeepSeek-V3 over V2 is 1.55.
    low, high = (0.67, 2.2) if narrower else (0.5, 2.0)
    ratio = mine / theirs
    name = sibling.dossier.model.name
    return Equation(
        name="sibling_efficiency",
        title=f"Utilisation is in line with {name}, by the same makers on the same hardware",
        phase=phase.id,
        left=Term(
            Measured(ratio.low, ratio.value, ratio.high, mine.claims),
            f"{percent(mine.value)} ({phase.precision.upper()}) ÷ {percent(theirs.value)} "
            f"({name}, {other.precision.upper()}) = {ratio.value:.2f}",
        ),
        right=Term(Measured(low, (low * high) ** 0.5, high), f"{low:g} to {high:g}"),
        unit="ratio",
        tolerance=0.0,
        reason="8-bit arithmetic at most doubles the speed; 10 % is left for better kernels, a third may be lost"
        if narrower
        else "same precision: a factor of two either way covers better kernels and worse luck",
        relation="within",
        agree=f"A gain of {ratio.value:.2f} over {name} is what the change of precision and kernels can give."
        if ratio.value > 1
        else f"{ratio.value:.2f} of {name}'s utilisation is within the usual spread.",
    ).check(claims.dossier)


def whole_run_utilisation(claims: Claims, phase: Phase, *, include_mtp: bool = True) -> Measured | None:
    """Returns exact (or 6·N·D) FLOP of a phase over its hours and the BF16 peak."""
    flop = phase_flop(claims, phase, include_mtp=include_mtp)
    hours = claims.hours(phase.id, bounds=True)
    if flop is None or hours is None:
        return None
    seconds = hours * SECONDS_PER_HOUR
    return flop.flop / seconds / claims.accelerator(phase).bf16_flop_per_second


def days_at_rate(claims: Claims) -> Iterator[Check]:
    """Tokens over tokens per day against the days by the clock."""
    for phase in claims.phases:
        tokens, day = claims.tokens(phase), claims.number("tokens_per_day", phase.id)
        clock = claims.number("wall_clock", phase.id)
        if tokens is None or day is None or clock is None:
            continue
        days = tokens / day
        allowed = Measured(clock.low * GOODPUT_LOW, clock.value, clock.high * GOODPUT_HIGH, clock.claims)
        yield Equation(
            name="days_at_rate",
            title="Tokens ÷ tokens per day = days by the clock, less lost time",
            phase=phase.id,
            left=Term(days, f"{readable(tokens.value)} ÷ {readable(day.value)} = {days.value:.1f} days"),
            right=Term(allowed, f"60 to 103 % of {clock.value:g} days"),
            unit="days",
            tolerance=0.0,
            reason=GOODPUT_REASON,
            relation="within",
            agree=f"The steady rate accounts for {percent(days.value / clock.value, 0)} of the days.",
        ).check(claims.dossier)


def goodput_stated(claims: Claims) -> Iterator[Check]:
    """Whole-run over steady utilisation against the stated share of effective time."""
    for phase in claims.phases:
        claim = claims.one("goodput", phase.id)
        mfus = claims.all("mfu", phase.id)
        run = whole_run_utilisation(claims, phase)
        if claim is None or run is None or not mfus or claims.tokens(phase) is None or claims.hours(phase.id) is None:
            continue
        chip = claims.accelerator(phase)
        peak = chip.peak(mfus[0].peak or "bf16")
        if peak is None:
            continue
        run = run * (chip.bf16_flop_per_second / peak)
        share = run / Measured.from_claim(mfus[0])
        yield Equation(
            name="goodput_stated",
            title="Whole-run utilisation ÷ steady utilisation = stated effective time",
            phase=phase.id,
            left=Term(share, f"{percent(run.value)} ÷ {percent(mfus[0].amount)} = {percent(share.value, 0)}"),
            right=Term(Measured.from_claim(claim), f"{claim.relation.replace('_', ' ')} {percent(claim.amount, 0)}"),
            unit="fraction",
            tolerance=0.10,
            reason="published hours can include later stages and the steady figure is one of several: 10 %",
            relation="at_least" if claim.relation == "at_least" else "equals",
        ).check(claims.dossier)
