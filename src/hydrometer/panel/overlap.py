"""Findings about several models: copied answers, near-duplicates, prompts that training data held."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import polars as pl

from hydrometer.records.lineage import Lineage
from hydrometer.records.panel import Finding

# AlpacaEval's aligner-2b files share their first 100 characters with another's on 673 to 757 of 805 prompts.
_PREFIX = 100
# AlpacaEval's koala prompts, which ShareGPT overlaps: on 45 of them three of 23 ShareGPT-era models begin alike for 120
# characters, on 1 for 23 other models.
_LONG_PREFIX = 120
# Pairs grow with the square of those who begin alike: 400 make 80,000. By hand, 2026-11-24.
_MOST_IN_A_GROUP = 400
# These three were set while looking at AlpacaEval: copied files there share 35 % and more, other models of one parent
# up to 18 % (docs/panel.md). By hand, 2026-11-24; no other panel was tried.
_FLOOR = 0.03
_CEILING = 0.25
_RELATED = 0.10
# For the reader: of 184 models there are 16,836 pairs. By hand, 2026-11-24.
_MOST_PAIRS_NAMED = 200


def shared_pairs(frame: pl.DataFrame) -> pl.DataFrame:
    """Returns every pair of models with on how many prompts their answers begin alike or are the same.

    Args:
        frame: `model`, `prompt`, `response`.

    Returns:
        `a`, `b`, `n_prefix` (the same first 100 characters), `n_same` (the same answer, of any length), `n_common`
        (prompts that both answered), for pairs that share at least one.
    """
    clean = pl.col("response").str.strip_chars()
    # Whole answers that are shorter than the prefix count only as identical: many models say "Yes.".
    keyed = frame.filter(clean.str.len_chars() >= _PREFIX).select(
        "model", "prompt", prefix=clean.str.slice(0, _PREFIX).hash(), whole=clean.hash()
    )
    keyed = keyed.filter(pl.len().over("prompt", "prefix").is_between(2, _MOST_IN_A_GROUP))
    pairs = (
        keyed.join(keyed, on=["prompt", "prefix"], suffix="_b")
        .filter(pl.col("model") < pl.col("model_b"))
        .group_by(a="model", b="model_b")
        .agg(n_prefix=pl.len(), n_same=(pl.col("whole") == pl.col("whole_b")).sum())
    )
    counts = frame.group_by("model").len("n")
    return (
        pairs.join(counts, left_on="a", right_on="model")
        .join(counts, left_on="b", right_on="model")
        .with_columns(n_common=pl.min_horizontal("n", "n_right"))
        .drop("n", "n_right")
        .with_columns(share=pl.col("n_prefix") / pl.col("n_common"))
        .sort("share", "a", "b", descending=[True, False, False])
    )


def ancestors(lineage: Sequence[Lineage]) -> dict[str, str]:
    """Returns for every model its earliest documented ancestor: itself where no parent is named."""
    parent = {row.model: row.parent for row in lineage}

    def root(model: str) -> str:
        seen = {model}
        while (above := parent.get(model)) is not None and above not in seen:
            seen.add(above)
            model = above
        return model

    return {model: root(model) for model in parent}


def relatives(lineage: Sequence[Lineage]) -> Callable[[str, str], bool]:
    """Returns a function that says whether two models share a developer, a parent or an earlier ancestor."""
    developer = {row.model: row.developer for row in lineage}
    roots = ancestors(lineage)

    def related(a: str, b: str) -> bool:
        same_developer = developer.get(a) is not None and developer.get(a) == developer.get(b)
        return same_developer or roots.get(a, a) == roots.get(b, b)

    return related


def copied_threshold(pairs: pl.DataFrame, related: Callable[[str, str], bool], models: Sequence[str]) -> float:
    """Returns the share of prompts from which on models of different origin count as copied.

    Five times what 95 % of such pairs stay below, within 3 % and 25 %: a panel whose prompts invite the same words
    has more innocent overlap than another.
    """
    shares = [s for a, b, s in pairs.select("a", "b", "share").iter_rows() if not related(a, b)]
    n_unrelated = sum(not related(a, b) for i, a in enumerate(models) for b in models[i + 1 :])
    everyone = sorted(shares + [0.0] * max(0, n_unrelated - len(shares)))
    # 95 % and five times: by hand, 2026-11-24, with AlpacaEval in view.
    usual = everyone[int(0.95 * (len(everyone) - 1))] if everyone else 0.0
    return min(_CEILING, max(_FLOOR, 5 * usual))


def overlap_findings(pairs: pl.DataFrame, related: Callable[[str, str], bool], threshold: float) -> list[Finding]:
    """Returns the findings about pairs of models."""
    found: list[Finding] = []
    for a, b, n, same, common, share in pairs.select("a", "b", "n_prefix", "n_same", "n_common", "share").iter_rows():
        kin = related(a, b)
        # Two answers that begin alike happen to everybody.
        if n < 3 or share < (_RELATED if kin else threshold) or len(found) >= _MOST_PAIRS_NAMED:
            continue
        copied = not kin or share >= _CEILING
        origin = "same developer or parent" if kin else "different origin"
        text = f"{n:,} of {common:,} answers begin alike ({share:.1%}), {same:,} of them to the end; {origin}"
        level = "exclude" if share >= _CEILING else "caution" if copied else "note"
        found.append(
            Finding.model_validate(
                {
                    "level": level,
                    "kind": "copied" if copied else "near_duplicate",
                    "models": (a, b),
                    "n_prompts": n,
                    "share": share,
                    "text": text,
                }
            )
        )
    return found


def memorised_findings(
    frame: pl.DataFrame, lineage: Sequence[Lineage], *, without: Collection[str] = ()
) -> list[Finding]:
    """Returns the finding that prompts stood in training data: unrelated models begin their answers alike.

    Args:
        frame: `model`, `prompt`, `response`.
        lineage: of every model.
        without: models whose answers are copies anyway.
    """
    clean = pl.col("response").str.strip_chars()
    developers = {row.model: row.developer or row.model for row in lineage}
    roots = ancestors(lineage)
    groups = (
        frame.filter((clean.str.len_chars() >= _LONG_PREFIX) & ~pl.col("model").is_in(list(without)))
        .select("model", "prompt", prefix=clean.str.slice(0, _LONG_PREFIX).hash())
        # Three, as in the count above: two share a parent or a data set often enough.
        .filter(pl.len().over("prompt", "prefix") >= 3)
        .with_columns(
            developer=pl.col("model").replace(list(developers), list(developers.values())),
            root=pl.col("model").replace(list(roots), list(roots.values())),
        )
        # Three developers who tuned one parent share its words, not a data set.
        .filter(pl.min_horizontal(pl.col("developer", "root").n_unique().over("prompt", "prefix")) >= 3)
    )
    if groups.is_empty():
        return []
    n = groups["prompt"].n_unique()
    often = groups.group_by("model").agg(pl.col("prompt").n_unique()).sort("prompt", "model", descending=[True, False])
    # For the text only: models with a fifth of the commonest one's count or more. By hand, 2026-11-24.
    leading = often.filter(pl.col("prompt") >= 0.2 * pl.col("prompt").max())
    total = frame["prompt"].n_unique()
    text = (
        f"on {n:,} of {total:,} prompts, three or more models of unrelated origin share the first {_LONG_PREFIX} "
        "characters, as when prompts and answers stood in data that they trained on: report with and without these"
    )
    models = tuple(leading["model"])
    return [Finding(level="caution", kind="memorised", models=models, n_prompts=n, share=n / total, text=text)]
