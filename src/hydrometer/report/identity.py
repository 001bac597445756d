"""Identity consistency in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.records.identity import ClusteredCount, Identity

# For the reader, by hand, 2026-11-25; the JSON holds all.
_MOST_VENDORS = 5
_LEVEL = 0.05


def print_identities(found: Sequence[Identity], *, console: Console) -> None:
    """Prints the rates of every model, who is named, by language, and which differences are established."""
    console.print(Padding(_rates(found), (0, 0, 1, 0)))
    console.print(Padding(_vendors(found), (0, 0, 1, 0)))
    if any(len(f.languages) > 1 or f.arms for f in found):
        console.print(Padding(_languages(found), (0, 0, 1, 0)))
    if len(found) > 1:
        for line in _comparisons(found):
            console.print(Text(line))
    for f in found:
        for warning in f.warnings:
            console.print(Text(printable(f"Note: {f.model}: {warning}", limit=400), style="dim"))
    console.print(
        Text(
            "Intervals are 95 % over templates. What a model says of itself is no proof of who taught it: such words "
            "stand all over the web. Rates compare only between models that were asked the same.",
            style="dim",
        )
    )


def shown(rate: ClusteredCount | None) -> str:
    """Returns a rate with its interval in a few characters."""
    if rate is None or rate.rate is None:
        return "not judged"
    return f"{100 * rate.rate:.1f} % ({100 * rate.low:.0f}-{100 * rate.high:.0f})"


def _rates(found: Sequence[Identity]) -> Table:
    table = Table(box=None, pad_edge=False, title=f"Identity, judge: {printable(found[0].judge, limit=60)}")
    for name in ("model", "made by", "judged", "loose", "strict", "hard", "hard, of prompts without a name", "worth"):
        table.add_column(name, justify="left" if name in {"model", "made by"} else "right")
    for f in found:
        table.add_row(
            printable(f.model, limit=40),
            f.maker or "unknown",
            f"{f.judged:,} of {f.n:,}",
            *(shown(r) for r in (f.loose, f.strict, f.hard, f.hard_conditional)),
            f"{f.strict.effective_n:,.0f} answers",
        )
    return table


def _vendors(found: Sequence[Identity]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("model")
    table.add_column("who the speaker says it is, or who made it")
    for f in found:
        named = ", ".join(f"{name} {n:,}" for name, n in list(f.vendors.items())[:_MOST_VENDORS])
        table.add_row(printable(f.model, limit=40), named or "nobody")
    return table


def _languages(found: Sequence[Identity]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("model", "asked in, or how", "answers", "loose", "strict"):
        table.add_column(name)
    for f in found:
        for code, r in (*f.languages.items(), *f.arms.items()):
            table.add_row(printable(f.model, limit=40), code, f"{r.loose.n:,}", shown(r.loose), shown(r.strict))
    return table


def _comparisons(found: Sequence[Identity]) -> list[str]:
    lines = []
    for rate in ("loose", "strict", "hard_conditional"):
        known = [f for f in found if any(r.rate == rate for r in f.ranks)]
        pairs = len(known) * (len(known) - 1) // 2
        if not pairs:
            continue
        sure = sum(d.rate == rate and d.adjusted_pvalue <= _LEVEL for f in known for d in f.differences) // 2
        ranks = {f.model: next(r for r in f.ranks if r.rate == rate) for f in known}
        words = ", ".join(
            f"{printable(m, limit=40)} {r.best}" + (f"-{r.worst}" if r.worst > r.best else "") for m, r in ranks.items()
        )
        name = rate.replace("_", " ")
        lines.append(f"{name}: {sure} of {pairs} differences are established at 5 % over all pairs. Ranks: {words}.")
    return lines
