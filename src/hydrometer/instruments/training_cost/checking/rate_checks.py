"""Checks of hours against cluster sizes, days, tokens and step times."""

from __future__ import annotations

from collections.abc import Iterator

from hydrometer.instruments.training_cost.checking.claims import Claims, leg_tokens
from hydrometer.instruments.training_cost.checking.measured import Equation, Measured, Term, stated_relation
from hydrometer.records.claim_checking import Check
from hydrometer.records.dossier import Claim, Phase
from hydrometer.records.numbers import readable
from hydrometer.records.quantities import HOURS_PER_DAY, SECONDS_PER_DAY, SECONDS_PER_HOUR

# Set by hand, 2026-11-24, while looking at the cases of bench/claim_cases.toml; each reason is printed with its check.
RATE_TOLERANCE = 0.01
CLOCK_TOLERANCE = 0.05
STEADY_TOLERANCE = 0.03
# Published shares run from 0.65 to 0.99; a little is left on both sides. By hand, 2026-11-24.
GOODPUT_LOW, GOODPUT_HIGH = 0.60, 1.03
GOODPUT_REASON = (
    "a steady rate leaves out restarts, evaluations and ramps: published runs kept 65 to 99 % of it "
    "(Olmo 3, Llama 3.1, Gopher, PaLM, Skywork, SmolLM3); 60 to 103 % is accepted"
)


def rate_times_tokens(claims: Claims) -> Iterator[Check]:
    """Hours per trillion tokens x tokens against the hours of the phase."""
    for phase in claims.phases:
        rate = claims.number("hours_per_trillion_tokens", phase.id)
        tokens, hours = claims.tokens(phase), claims.number("accelerator_hours", phase.id)
        if rate is None or tokens is None or hours is None:
            continue
        computed = rate * tokens / 1e12
        yield Equation(
            name="rate_times_tokens",
            title="Hours per trillion tokens × tokens = hours",
            phase=phase.id,
            left=Term(
                computed,
                f"{readable(rate.value)} h/trillion × {tokens.value / 1e12:g} trillion = {readable(computed.value)} h",
            ),
            right=Term(hours, f"{readable(hours.value)} h"),
            unit="accelerator-hours",
            tolerance=RATE_TOLERANCE,
            reason="a product of published numbers; 1 % for rounding that the digits do not show",
        ).check(claims.dossier)


def days_per_trillion(claims: Claims) -> Iterator[Check]:
    """Hours per trillion tokens over the cluster against the days per trillion tokens."""
    for phase in claims.phases:
        rate = claims.number("hours_per_trillion_tokens", phase.id)
        n, days = (
            claims.number("n_accelerators", phase.id),
            claims.number("days_per_trillion_tokens", phase.id),
        )
        if rate is None or n is None or days is None:
            continue
        computed = rate / n / HOURS_PER_DAY
        yield Equation(
            name="days_per_trillion",
            title="Hours per trillion tokens ÷ accelerators = days per trillion tokens",
            phase=phase.id,
            left=Term(computed, f"{readable(rate.value)} h ÷ {n.value:,.0f} ÷ 24 = {computed.value:.2f} days"),
            right=Term(days, f"{days.value:g} days"),
            unit="days per trillion tokens",
            tolerance=RATE_TOLERANCE,
            reason="a quotient of published numbers; 1 % for rounding that the digits do not show",
        ).check(claims.dossier)


def clock_times_cluster(claims: Claims) -> Iterator[Check]:
    """Accelerators x days against hours: for the phase as a whole, and summed over its legs."""
    keys: list[str | None] = [phase.id for phase in claims.phases]
    for key in keys if len(keys) == 1 else [*keys, None]:
        hours, n = claims.number("accelerator_hours", key), claims.number("n_accelerators", key)
        clock = claims.one("wall_clock", key)
        if hours is None or n is None or clock is None:
            continue
        yield _clock_check(claims, key, hours, n, clock)
    for phase in claims.phases:
        hours = claims.number("accelerator_hours", phase.id)
        legs = [(leg.n_accelerators, float(leg.days)) for leg in phase.legs if leg.n_accelerators and leg.days]
        if hours is None or not legs:
            continue
        summed = Measured.exact(HOURS_PER_DAY * sum(n * days for n, days in legs))
        terms = " + ".join(f"{n:,} × {days:g} d" for n, days in legs)
        yield Equation(
            name="legs_times_days",
            title="Accelerators × days, summed over the legs = hours",
            phase=phase.id,
            left=Term(summed, f"{terms} = {readable(summed.value)} h"),
            right=Term(hours, f"{readable(hours.value)} h"),
            unit="accelerator-hours",
            tolerance=CLOCK_TOLERANCE,
            reason="days are rounded and clusters shrink while nodes are repaired: 5 %",
        ).check(claims.dossier)


def _clock_check(claims: Claims, key: str | None, hours: Measured, n: Measured, clock: Claim) -> Check:
    days = Measured.from_claim(clock)
    text = f"{readable(hours.value)} h ÷ {n.value:,.0f} accelerators ÷ 24"
    duration = hours / n / HOURS_PER_DAY
    bound = {"at_most": "at most ", "at_least": "at least "}.get(clock.relation, "")
    return Equation(
        name="clock_times_cluster",
        title="Hours ÷ accelerators = days by the clock",
        phase=key,
        left=Term(duration, f"{text} = {_days(duration.value)}"),
        right=Term(days, f"{bound}{_days(days.value)}"),
        unit="days",
        tolerance=CLOCK_TOLERANCE,
        reason="days are rounded and clusters shrink while nodes are repaired: 5 %",
        relation=stated_relation(clock),
    ).check(claims.dossier)


def _days(days: float) -> str:
    if days >= 1:
        return f"{days:.1f} days"
    hours = days * HOURS_PER_DAY
    return f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes"


def step_rate(claims: Claims, phase: Phase) -> tuple[Measured, str] | None:
    """Returns tokens per day as step time, sequences and length give it."""
    step = claims.number("step_time", phase.id)
    if step is None:
        return None
    per_step = claims.number("tokens_per_step", phase.id)
    if per_step is not None:
        text = f"{readable(per_step.value)} tokens ÷ {step.value:g} s × 86,400"
    else:
        sequences = claims.number("sequences_per_step", phase.id)
        if sequences is None or phase.sequence_length is None:
            return None
        per_step = sequences * float(phase.sequence_length)
        text = f"{sequences.value:,.0f} sequences × {phase.sequence_length:,} ÷ {step.value:g} s × 86,400"
    return per_step / step * SECONDS_PER_DAY, text


def tokens_per_day(claims: Claims) -> Iterator[Check]:
    """Tokens a day from the step time, and from the hours, against the stated rate."""
    for phase in claims.phases:
        stated = claims.number("tokens_per_day", phase.id)
        if stated is None:
            continue
        right = Term(stated, f"{readable(stated.value)} tokens a day")
        from_steps = step_rate(claims, phase)
        if from_steps is not None:
            rate, text = from_steps
            yield Equation(
                name="tokens_per_day_from_steps",
                title="Sequences × length ÷ step time = tokens per day",
                phase=phase.id,
                left=Term(rate, f"{text} = {readable(rate.value)}"),
                right=right,
                unit="tokens per day",
                tolerance=RATE_TOLERANCE,
                reason="both describe the same steady state; 1 % for rounding that the digits do not show",
            ).check(claims.dossier)
        tokens, hours = claims.tokens(phase), claims.hours(phase.id)
        n = claims.number("n_accelerators", phase.id)
        if tokens is not None and hours is not None and n is not None:
            rate = tokens / hours * n * HOURS_PER_DAY
            text = f"{readable(tokens.value)} ÷ {readable(hours.value)} h × {n.value:,.0f} × 24"
            yield _against_steady(
                claims,
                phase,
                name="tokens_per_day_from_hours",
                title="Tokens ÷ hours × cluster is the steady rate, less lost time",
                left=Term(rate, f"{text} = {readable(rate.value)}"),
                steady=stated,
                unit="tokens per day",
            )


def tokens_from_steps(claims: Claims) -> Iterator[Check]:
    """Steps x tokens a step against the tokens of the phase."""
    for phase in claims.phases:
        stated = claims.number("tokens", phase.id)
        if stated is None:
            continue
        computed, text = leg_tokens(phase), "steps × sequences × length over the legs"
        if computed is None:
            steps, per_step = claims.number("steps", phase.id), claims.number("tokens_per_step", phase.id)
            if steps is None or per_step is None:
                continue
            computed = steps * per_step
            text = f"{readable(steps.value)} steps × {readable(per_step.value)} tokens"
        yield Equation(
            name="tokens_from_steps",
            title="Steps × tokens per step = tokens",
            phase=phase.id,
            left=Term(computed, f"{text} = {readable(computed.value)}"),
            right=Term(stated, f"{readable(stated.value)} tokens"),
            unit="tokens",
            tolerance=0.05,
            reason="token counts are rounded and batches ramp up: 5 %",
        ).check(claims.dossier)


def throughput_and_hours(claims: Claims) -> Iterator[Check]:
    """A stated throughput against tokens over hours."""
    for phase in claims.phases:
        tokens, hours = claims.tokens(phase), claims.hours(phase.id)
        if tokens is None or hours is None:
            continue
        each = claims.number("tokens_per_second_per_accelerator", phase.id)
        cluster, n = claims.number("tokens_per_second", phase.id), claims.number("n_accelerators", phase.id)
        if each is None and cluster is not None and n is not None:
            each = cluster / n
        if each is None:
            continue
        rate = tokens / hours / SECONDS_PER_HOUR
        yield _against_steady(
            claims,
            phase,
            name="throughput_and_hours",
            title="Tokens ÷ hours is the stated throughput, less lost time",
            left=Term(
                rate,
                f"{readable(tokens.value)} tokens ÷ {readable(hours.value)} h = {rate.value:,.1f} per second",
            ),
            steady=each,
            unit="tokens per second per accelerator",
        )


def _against_steady(
    claims: Claims, phase: Phase, *, name: str, title: str, left: Term, steady: Measured, unit: str
) -> Check:
    allowed = Measured(steady.low * GOODPUT_LOW, steady.value, steady.high * GOODPUT_HIGH, steady.claims)
    share = left.measured.value / steady.value
    return Equation(
        name=name,
        title=title,
        phase=phase.id,
        left=left,
        right=Term(allowed, f"60 to 103 % of the stated {readable(steady.value)}"),
        unit=unit,
        tolerance=0.0,
        reason=GOODPUT_REASON,
        relation="within",
        agree=f"The run kept {100 * share:.1f} % of the stated steady rate.",
        disagree=f"The run would have kept {100 * share:.0f} % of the stated steady rate.",
    ).check(claims.dossier)
