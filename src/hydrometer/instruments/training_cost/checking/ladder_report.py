"""The ladder of a dossier with a user's own beliefs: what `hydrometer cost ladder` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.ladder import build_ladder
from hydrometer.instruments.training_cost.checking.priors import parse_override
from hydrometer.records.cost_ladder import LadderReport
from hydrometer.records.dossier import Dossier
from hydrometer.store.prices import read_price_file

# By hand, 2026-11-25: bounds time and memory; fewer than a thousand leave no 5 % point.
_MOST_DRAWS = 2_000_000
_FEWEST_DRAWS = 1000


def ladder_of(
    dossier: Dossier, *, priors: Sequence[str] = (), own_prices: Path | None = None, draws: int, seed: int
) -> LadderReport:
    """Returns the ladder of a dossier.

    Args:
        dossier: what was claimed.
        priors: `NAME=LOW,MIDDLE,HIGH`, each at most once.
        own_prices: a user's price file.
        draws: draws of the Monte Carlo.
        seed: of the generator.

    Raises:
        InputError: for a prior that cannot be read, one given twice, or too many draws.
    """
    if not _FEWEST_DRAWS <= draws <= _MOST_DRAWS:
        raise InputError(f"--draws {draws:,}", cure=f"give {_FEWEST_DRAWS:,} to {_MOST_DRAWS:,}")
    if seed < 0:
        raise InputError(f"--seed {seed}", cure="give 0 or a positive number")
    overrides = [parse_override(text) for text in priors]
    names = [prior.name for prior in overrides]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise InputError(f"--prior {doubled} is given twice", cure="give each prior once")
    result = build_ladder(
        Claims(dossier),
        rng=np.random.default_rng(seed),
        overrides=overrides,
        own_quotes=read_price_file(own_prices) if own_prices is not None else (),
        n_draws=draws,
    )
    return LadderReport(subject=dossier.model.name, ladder=result.ladder, seed=seed)
