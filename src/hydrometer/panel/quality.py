"""Findings about single models: short, empty, cut off, looping, broken, constant, marked by white space."""

from __future__ import annotations

import polars as pl

from hydrometer.records.panel import Finding

# This and what follows, shares below included: set by hand, 2026-11-24, while looking at AlpacaEval's broken files
# (guanaco-13b and Nanbeige2 cut off in 6 to 12 %, loops in ghost-7b and Qwen1.5-1.8B, spaces lost in
# baichuan-13b-chat). No other panel was tried.
_LONG_ENOUGH = 200  # characters from which on an answer should end like one
_LAST_LINE = 60  # shorter last lines are list items, signatures and headings
_TAIL = 50
_TAIL_TIMES = 4
_LOOK_BACK = 4000
_RUN_ON = r"[a-z]{22,}"  # no English word in use is as long
_ENDS_OPEN = r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{N},\-–(]$"


def model_table(frame: pl.DataFrame) -> pl.DataFrame:
    """Returns one row a model with its counts and shares.

    Args:
        frame: `model`, `prompt`, `response`, `status`.
    """
    response = pl.col("response").fill_null("")
    clean = response.str.strip_chars()
    frame = frame.select(
        "model",
        "status",
        response=response,
        clean=clean,
        n_chars=response.str.len_chars(),
        tail=clean.str.slice(-_TAIL),
        end=clean.str.slice(-_LOOK_BACK),
    )
    long = pl.col("n_chars") >= _LONG_ENOUGH
    last_line = pl.col("end").str.extract(r"([^\n]*)$").str.len_chars() >= _LAST_LINE
    answered = pl.col("status") != "failed"
    return (
        frame.group_by("model")
        .agg(
            n=pl.len(),
            empty=(pl.col("status") == "empty").sum(),
            truncated=(pl.col("status") == "truncated").sum(),
            refused=(pl.col("status") == "refused").sum(),
            failed=(pl.col("status") == "failed").sum(),
            cut_off=(long & last_line & pl.col("tail").str.contains(_ENDS_OPEN)).sum(),
            loops=(
                (pl.col("n_chars") >= _TAIL * _TAIL_TIMES)
                & (pl.col("end").str.count_matches(pl.col("tail"), literal=True) >= _TAIL_TIMES)
            ).sum(),
            run_on=pl.col("clean").str.contains(_RUN_ON).sum(),
            blank_share=(pl.col("response").str.count_matches(r"[ \n]") / pl.col("n_chars")).fill_nan(None).median(),
            leading=pl.col("response").filter(answered).str.contains(r"^\s").sum(),
            trailing=pl.col("response").filter(answered).str.contains(r"\S\s+$").sum(),
            commonest=pl.col("clean").filter(pl.col("clean") != "").unique_counts().max().fill_null(0),
        )
        .sort("model")
    )


def quality_findings(table: pl.DataFrame, n_probes: int) -> list[Finding]:
    """Returns the findings about single models.

    Args:
        table: see `model_table`.
        n_probes: prompts of the panel.
    """
    found = [*_missing(table, n_probes), *_counted(table), *_broken(table), *_constant(table), *_fingerprints(table)]
    for column, kind, words, floor in (
        ("cut_off", "cut_off", "answers end in the middle of a sentence", 0.03),
        ("loops", "loops", "answers end in a loop", 0.01),
    ):
        usual = _quantile(table, column, 0.5)
        # Three times the panel's median: prompts that ask for lists or code end openly in every model.
        threshold = max(floor, 3 * usual)
        for model, n, total in table.select("model", column, "n").iter_rows():
            if n / total >= threshold and n >= 3:
                text = f"{n:,} of {total:,} {words} ({n / total:.1%}; half of the models: at most {usual:.1%})"
                found.append(_one("caution", kind, model, n, total, text))
    return found


def _one(level: str, kind: str, model: str, n: int, total: int, text: str) -> Finding:
    return Finding.model_validate(
        {"level": level, "kind": kind, "models": (model,), "n_prompts": n, "share": n / total, "text": text}
    )


def _quantile(table: pl.DataFrame, column: str, q: float) -> float:
    share = table.select((pl.col(column) / pl.col("n")).quantile(q, "lower")).item()
    return float(share or 0.0)


def _missing(table: pl.DataFrame, n_probes: int) -> list[Finding]:
    return [
        _one(
            "caution" if n < 0.9 * n_probes else "note",
            "short",
            model,
            n_probes - n,
            n_probes,
            f"answers {n:,} of {n_probes:,} prompts, {n_probes - n:,} missing: join on the prompt",
        )
        for model, n in table.select("model", "n").iter_rows()
        if n < n_probes
    ]


def _counted(table: pl.DataFrame) -> list[Finding]:
    found = []
    for column, words in (
        ("empty", "answers are empty"),
        ("truncated", "answers stopped at the limit of length"),
        ("refused", "answers are refusals"),
        ("failed", "requests failed"),
    ):
        for model, n, total in table.select("model", column, "n").iter_rows():
            if n:
                level = "exclude" if n / total >= 0.5 else "caution" if n / total >= 0.01 else "note"
                found.append(_one(level, column, model, n, total, f"{n:,} of {total:,} {words}"))
    return found


def _broken(table: pl.DataFrame) -> list[Finding]:
    """Finds decoders that drop spaces: runs of letters that no word has, or far fewer blanks than usual."""
    # Four times what nine models in ten stay below: code and addresses have long runs of letters too.
    threshold = max(0.02, 4 * _quantile(table, "run_on", 0.9))
    usual = table["blank_share"].median()
    found = []
    for model, n, total, blank in table.select("model", "run_on", "n", "blank_share").iter_rows():
        if n / total >= threshold and n >= 3:
            text = f"spaces are dropped: {n:,} of {total:,} answers hold 22 letters in a row ({n / total:.1%})"
            found.append(_one("exclude", "broken_decoder", model, n, total, text))
        elif isinstance(usual, float) and blank is not None and len(table) >= 3 and blank < usual / 3:
            text = f"hardly any spaces: {blank:.1%} of the characters, {usual:.1%} in half of the models"
            found.append(_one("caution", "broken_decoder", model, total, total, text))
    return found


def _constant(table: pl.DataFrame) -> list[Finding]:
    found = []
    for model, n, total in table.select("model", "commonest", "n").iter_rows():
        # NullModel of AlpacaEval answers everything with one constant.
        if n >= 5 and n / total >= 0.2:
            text = f"one answer to {n:,} of {total:,} prompts ({n / total:.0%})"
            found.append(_one("exclude", "constant", model, n, total, text))
    return found


def _fingerprints(table: pl.DataFrame) -> list[Finding]:
    found = []
    for column, kind, words in (
        ("leading", "leading_space", "starts with white space"),
        ("trailing", "trailing_space", "ends in white space"),
    ):
        # AlpacaEval: nearly all outputs of claude2-alpaca, recycled-wizardlm and others begin with a space.
        marked = table.filter(pl.col(column) / pl.col("n") >= 0.25).sort(pl.col(column) / pl.col("n"), descending=True)
        if not marked.is_empty():
            text = f"every fourth answer or more {words}: strip it, or it gives the model away"
            found.append(Finding(level="note", kind=kind, models=tuple(marked["model"].sort()), text=text))
    return found
