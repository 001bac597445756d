"""From a network, tokens and hardware to FLOP, accelerator-hours and dollars, each with an interval."""

from __future__ import annotations

import numpy as np

from hydrometer.costs.flop import forward_flop_per_token, training_flop_per_token
from hydrometer.costs.utilisation import Array, RunShape
from hydrometer.instruments.training_cost.estimating.phases import RUN_TOKENS, draw_phase
from hydrometer.instruments.training_cost.estimating.pricing import usd_for
from hydrometer.instruments.training_cost.estimating.request import (
    FITTED_LENGTH,
    GENERATING,
    Network,
    TrainingPlan,
    check_plan,
    precision_of,
)
from hydrometer.records.estimates import CostEstimate, FlopOfToken, ParameterQuantiles, Quantiles
from hydrometer.records.reference import Accelerator
from hydrometer.store.reference import find_accelerator
from hydrometer.store.utilisation import ShippedUtilisation, hours_operating_point, shipped_utilisation

# By hand, 2026-11-25: 10 and 90 % points then move by about one per cent or less from seed to seed.
_DRAWS = 20_000
_HARDWARE = {"A100/A800": "ampere", "H100/H800/H200": "hopper", "H100 PCIe": "hopper", "H20": "hopper"}


def generation_of(chip: Accelerator) -> str:
    """Returns the generation of hardware, as the utilisation model knows it."""
    if chip.hardware in _HARDWARE:
        return _HARDWARE[chip.hardware]
    if chip.hardware.startswith(("B200", "GB200", "B300", "GB300")):
        return "blackwell"
    return "tpu" if chip.hardware.startswith("TPU") else chip.hardware


def estimate(network: Network, plan: TrainingPlan, *, rng: np.random.Generator) -> CostEstimate:
    """Returns what a training takes.

    Args:
        network: what is trained.
        plan: how.
        rng: source of the draws.

    Raises:
        InputError: for impossible figures, or names that no table knows.
    """
    check_plan(plan)
    chip = find_accelerator(plan.accelerator, where="--accelerator")
    precision, low_precision = precision_of(plan.precision)
    shape = _run_shape(network, chip, low_precision=low_precision)
    model = shipped_utilisation()
    prediction, steady = model.predict(shape)
    drawn = draw_phase(
        network,
        plan,
        peak_flop_per_hour=chip.bf16_flop_per_second * 3600.0,
        mfu_D=prediction.draws(_DRAWS, rng=rng),
        flop_over_short_form=model.flop_over_short_form,
        rng=rng,
    )
    priced = usd_for(
        drawn.hours_D, plan.accelerator, plan.date, plan.contract, tier=plan.tier, own_quotes=plan.own_quotes, rng=rng
    )
    per_day = 24.0 * plan.n_accelerators if plan.n_accelerators is not None else None
    return CostEstimate(
        subject=network.name,
        phase=plan.phase,
        tokens=float(plan.tokens or RUN_TOKENS[plan.phase]),
        accelerator=chip.name,
        n_accelerators=plan.n_accelerators,
        precision=precision,
        parameters=_parameters(network),
        flop_per_token=_flop_of_token(network, plan),
        kv_bytes_per_token=network.architecture.cache_bytes_per_token() if network.architecture else None,
        training_flop=_quantiles(drawn.flop_D),
        utilisation=_quantiles(drawn.mfu_D),
        steady_utilisation=plan.steady_mfu or steady,
        goodput=None if drawn.goodput_D is None else _quantiles(drawn.goodput_D),
        accelerator_hours=_quantiles(drawn.hours_D),
        days=None if per_day is None else _quantiles(drawn.hours_D / per_day),
        usd=Quantiles(p10=priced.p10, p50=priced.p50, p90=priced.p90),
        contract=plan.contract,
        tier=plan.tier,
        price_date=plan.date,
        price=priced.price,
        informed_by=model.informing(prediction),
        operating_point=hours_operating_point(),
        method=f"utilisation of {len(model.labels)} whole runs in {len(model.whole)} accounts, fitted {model.date}",
        warnings=(*_warnings(network, plan, shape, model), *_phase_warnings(plan), *priced.price.warnings),
    )


def _run_shape(network: Network, chip: Accelerator, *, low_precision: bool) -> RunShape:
    return RunShape(
        active_parameters=network.active_parameters,
        mixture=network.mixture,
        generation=generation_of(chip),
        peak_flop_per_second=chip.bf16_flop_per_second,
        low_precision=low_precision,
        a100_40gb=chip.name == "A100-SXM-40GB",
    )


def _quantiles(draws: Array) -> Quantiles:
    low, middle, high = (float(v) for v in np.quantile(draws, (0.1, 0.5, 0.9)))
    return Quantiles(p10=low, p50=middle, p90=high)


def _parameters(network: Network) -> ParameterQuantiles:
    if network.architecture is None:
        active = {"as_given": Quantiles.exact(network.active_parameters)}
    else:
        active = {name: Quantiles.exact(n) for name, n in network.architecture.active_parameters().items()}
    return ParameterQuantiles(total=Quantiles.exact(network.total_parameters), active=active)


def _flop_of_token(network: Network, plan: TrainingPlan) -> FlopOfToken | None:
    if network.architecture is None:
        return None
    length, shape = plan.core_length, network.architecture
    return FlopOfToken(
        sequence_length=plan.sequence_length,
        forward=forward_flop_per_token(shape, sequence_length=length),
        training_causal=training_flop_per_token(shape, sequence_length=length),
        training_full=training_flop_per_token(shape, sequence_length=length, causal=False),
        training_causal_with_recompute=training_flop_per_token(shape, sequence_length=length, recompute=True),
    )


def _warnings(network: Network, plan: TrainingPlan, shape: RunShape, model: ShippedUtilisation) -> list[str]:
    """Returns where the estimate goes beyond what was seen."""
    chips = [find_accelerator(label["accelerator"]) for label in model.labels]
    same = sum(generation_of(chip) == shape.generation for chip in chips)
    found = []
    if same == 0:
        found.append(f"extrapolates: no run on {shape.generation} hardware informs it; taken from its peak and others")
    # By hand, 2026-11-25: two runs do not tell a generation from two developers.
    elif same < 3:
        found.append(f"extrapolates: only {same} published run{'s' if same > 1 else ''} on {shape.generation} hardware")
    if shape.low_precision and shape.generation not in {"hopper", "blackwell"}:
        found.append(f"extrapolates: no run or benchmark below 16 bits on {shape.generation} hardware")
    # Smallest and largest active parameters, and the largest cluster, of the 40 runs that the model was fitted to.
    if not 7e7 <= network.active_parameters <= 6e11:
        found.append("extrapolates: no run of such a size informs it (0.07B to 540B active parameters)")
    if plan.n_accelerators is not None and plan.n_accelerators > 16_384:
        found.append("extrapolates: no run on more than 16,384 accelerators informs it")
    # Twice the fitted length: by hand, 2026-11-25.
    if network.architecture is None and plan.sequence_length > 2 * FITTED_LENGTH:
        found.append("attention at this length is not counted: give --model CONFIG; hours are underestimated")
    return found


def _phase_warnings(plan: TrainingPlan) -> list[str]:
    """Returns what the kind of phase leaves open."""
    found = []
    if plan.phase in GENERATING:
        found.append("the cost of generating is known from one run only (DeepSeek-R1-Zero); no interval was tested")
        if plan.tokens is None:
            found.append("no tokens were given: taken as a published reasoning run's, within a factor of 3 or so")
        if plan.phase == "distillation" and plan.teacher_parameters is None:
            found.append("the teacher's reading is left out: give --teacher-params")
    elif plan.phase == "sft":
        found.append("fine-tuning: short runs lose more to start-up, checkpoints and padding; none was used to fit")
    if plan.steady_mfu is not None:
        found.append("utilisation while it runs is as given: the interval holds lost time only")
    if plan.precision is None:
        found.append("no precision was given: taken as bf16")
    return found
