"""`hydrometer cost estimate`: FLOP, accelerator-hours and dollars of a training, with intervals."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import typer


def estimate(
    model: Path | None = typer.Option(
        None, "--model", help="config.json, a checkpoint's folder, or a dossier.", metavar="CONFIG_OR_DOSSIER"
    ),
    tokens: float | None = typer.Option(
        None, "--tokens", help="Training tokens, as 15e12; of rl and distillation: tokens that are generated."
    ),
    accelerator: str = typer.Option(
        ..., "--accelerator", help="As H100, H800, A100-40GB, B200, TPUv4.", metavar="NAME"
    ),
    total_params: float | None = typer.Option(None, "--total-params", help="Where only headline figures are known."),
    active_params: float | None = typer.Option(None, "--active-params", help="Of a mixture: weights of one token."),
    architecture: str = typer.Option("dense", "--architecture", help="dense, dense_gqa, moe, moe_mla, ..."),
    n_accelerators: int | None = typer.Option(None, "--n-accelerators", help="Gives days as well."),
    precision: str | None = typer.Option(None, "--precision", help="bf16, fp16, fp8 or fp4."),
    sequence_length: int = typer.Option(4096, "--sequence-length", help="Tokens in a training sequence."),
    document_length: int | None = typer.Option(
        None, "--document-length", help="Of packed documents that do not see each other: sum of squares over sum."
    ),
    phase: str = typer.Option(
        "pretraining", "--phase", help="pretraining, context_extension, sft, rl or distillation."
    ),
    steady_mfu: float | None = typer.Option(
        None, "--steady-mfu", help="Utilisation while it runs, as 0.41, where measured or reported."
    ),
    teacher_params: float | None = typer.Option(None, "--teacher-params", help="Of distillation: the teacher's size."),
    contract: str = typer.Option("1_year", "--contract", help="on_demand, spot, 1_year, 3_year or own."),
    tier: str = typer.Option("neocloud", "--tier", help="hyperscaler, neocloud or marketplace."),
    date: datetime | None = typer.Option(None, "--date", formats=["%Y-%m-%d"], help="Day of the price; today."),
    prices: Path | None = typer.Option(None, "--prices", help="Your own prices (TOML or CSV).", metavar="FILE"),
    seed: int = typer.Option(0, "--seed", help="Seed of the draws."),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """Estimate the FLOP, accelerator-hours and dollars of a training: 10, 50 and 90 % points.

    \b
    Examples:
      hydrometer cost estimate --model config.json --tokens 15e12 --accelerator H100 --n-accelerators 2048
      hydrometer cost estimate --model dossiers/deepseek-v3.toml --tokens 14.8e12 --accelerator H800 --precision fp8
      hydrometer cost estimate --total-params 70e9 --tokens 15e12 --architecture dense_gqa --accelerator H100 --json
    """
    import numpy as np

    from hydrometer.instruments.training_cost.estimating.estimate import estimate as run
    from hydrometer.instruments.training_cost.estimating.request import network_from_options, plan_from_options

    network = network_from_options(model, total=total_params, active=active_params, architecture=architecture)
    plan = plan_from_options(
        tokens=tokens,
        accelerator=accelerator,
        n_accelerators=n_accelerators,
        precision=precision,
        sequence_length=sequence_length,
        document_length=document_length,
        phase=phase,
        steady_mfu=steady_mfu,
        teacher_parameters=teacher_params,
        contract=contract,
        tier=tier,
        date=None if date is None else date.date(),
        prices=prices,
    )
    if seed < 0:
        raise typer.BadParameter("a seed is 0 or more", param_hint="--seed")
    found = run(network, plan, rng=np.random.default_rng(seed))
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json")))
        return
    from rich.console import Console

    from hydrometer.report.estimate import print_estimate

    print_estimate(found, console=Console(file=sys.stdout, highlight=False))
