"""The FLOP of a dossier's phases: exact where the architecture is known, 6·N·D where only its size is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hydrometer.costs.flop import FLOP_PER_PARAMETER_AND_TOKEN, training_flop_per_token
from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.measured import Measured
from hydrometer.instruments.training_cost.networks import build_architecture
from hydrometer.records.claim_checking import FlopCount, UtilisationCount
from hydrometer.records.dossier import Phase, Precision
from hydrometer.records.numbers import readable
from hydrometer.records.quantities import SECONDS_PER_HOUR

# Exact FLOP are then 0.98 to 1.11 of 6·N, 1.03 at the median (data/utilisation.json): a wrong length does little.
DEFAULT_SEQUENCE_LENGTH = 4096
_ATTENTIONS: tuple[Literal["causal", "full"], ...] = ("causal", "full")


@dataclass(frozen=True)
class FlopPerToken:
    """FLOP of training on one token.

    Attributes:
        flop: with the range that a rounded parameter count allows.
        exact: counted weight by weight, not 6·N.
        text: how it was found, for equations.
    """

    flop: Measured
    exact: bool
    text: str


def flop_per_token(
    claims: Claims,
    *,
    sequence_length: int,
    attention: Literal["causal", "full"] = "causal",
    include_mtp: bool = True,
) -> FlopPerToken | None:
    """Returns the FLOP per token, or None where neither shape nor size is known."""
    if claims.architecture is not None:
        architecture = build_architecture(claims.architecture)
        flop = training_flop_per_token(
            architecture,
            sequence_length=sequence_length,
            causal=attention == "causal",
            include_mtp=include_mtp,
        )
        mtp = "" if not architecture.mtp_layers else ", MTP counted" if include_mtp else ", MTP left out"
        text = f"{flop / 1e9:.1f} GFLOP/token ({attention} attention at {sequence_length:,}{mtp})"
        return FlopPerToken(Measured.exact(flop), True, text)
    active = active_parameters(claims)
    if active is None:
        return None
    flop_6n = active * FLOP_PER_PARAMETER_AND_TOKEN
    return FlopPerToken(flop_6n, False, f"6 × {readable(active.value)} parameters per token")


def active_parameters(claims: Claims) -> Measured | None:
    """Returns the claimed active parameters, or the total where none are claimed apart (a dense model)."""
    whole = claims.whole_phase()
    return claims.number("active_parameters", whole) or claims.number("total_parameters", whole)


def sequence_length(phase: Phase) -> int:
    """Returns the training sequence length of a phase; 4,096 where it is not stated."""
    return phase.sequence_length or DEFAULT_SEQUENCE_LENGTH


def phase_flop(claims: Claims, phase: Phase, *, include_mtp: bool = True) -> FlopPerToken | None:
    """Returns the FLOP of a whole phase (causal attention), leg by leg where legs are given.

    Tokens that are published as a bound give a range that is open on one side.
    """
    tokens = claims.tokens(phase, bounds=True)
    if tokens is None:
        return None
    legs = [leg for leg in phase.legs if leg.sequence_length is not None]
    if legs and claims.architecture is not None:
        flop = 0.0
        texts = []
        for leg in legs:
            assert leg.steps is not None
            assert leg.sequences_per_step is not None
            assert leg.sequence_length is not None
            each = flop_per_token(claims, sequence_length=leg.sequence_length, include_mtp=include_mtp)
            assert each is not None
            n = leg.steps * leg.sequences_per_step * leg.sequence_length
            flop += n * each.flop.value
            texts.append(f"{readable(n)} tokens × {each.flop.value / 1e9:.0f} GFLOP at {leg.sequence_length:,}")
        return FlopPerToken(Measured.exact(flop, tokens.claims), True, " + ".join(texts))
    each = flop_per_token(claims, sequence_length=sequence_length(phase), include_mtp=include_mtp)
    if each is None:
        return None
    return FlopPerToken(each.flop * tokens, each.exact, f"{each.text} × {readable(tokens.value)} tokens")


def main_phase(claims: Claims) -> Phase | None:
    """Returns the pre-training phase, or the first one where there is none."""
    pretraining = [phase for phase in claims.phases if phase.kind == "pretraining"]
    return next(iter([*pretraining, *claims.phases]), None)


def flop_counts(claims: Claims) -> tuple[FlopCount, ...]:
    """Returns the FLOP per token by every convention, at the main phase's length."""
    if claims.architecture is None:
        return ()
    architecture = build_architecture(claims.architecture)
    phase = main_phase(claims)
    length = sequence_length(phase) if phase is not None else DEFAULT_SEQUENCE_LENGTH
    return tuple(
        FlopCount(
            sequence_length=length,
            attention=attention,
            includes_mtp=include_mtp,
            flop_per_token=training_flop_per_token(
                architecture,
                sequence_length=length,
                causal=attention == "causal",
                include_mtp=include_mtp,
            ),
        )
        for attention in _ATTENTIONS
        for include_mtp in ((False, True) if architecture.mtp_layers else (False,))
    )


def _peaks_of(phase: Phase) -> tuple[Precision, ...]:
    return ("bf16", phase.precision) if phase.precision in {"fp8", "fp4"} else ("bf16",)


def utilisation_counts(claims: Claims) -> tuple[UtilisationCount, ...]:
    """Returns the whole-run utilisation of the main phase by every convention of FLOP and peak."""
    phase = main_phase(claims)
    if phase is None:
        return ()
    tokens, hours = claims.tokens(phase), claims.hours(phase.id)
    if tokens is None or hours is None:
        return ()
    chip = claims.accelerator(phase)
    peaks = {name: peak for name in _peaks_of(phase) if (peak := chip.peak(name)) is not None}
    per_second = tokens.value / (hours.value * SECONDS_PER_HOUR)
    return tuple(
        UtilisationCount(
            attention=count.attention,
            includes_mtp=count.includes_mtp,
            peak=name,
            mfu=count.flop_per_token * per_second / peak,
            flop_per_second=count.flop_per_token * per_second,
        )
        for count in flop_counts(claims)
        for name, peak in peaks.items()
    )
