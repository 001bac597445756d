"""Response similarity in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.records.evidence import Range, Verdict
from hydrometer.records.similarity import Similarity
from hydrometer.report.words import VERDICT_MARK, VERDICT_WORDS


def print_similarity(found: Similarity, *, console: Console) -> None:
    """Prints every aspect beside its ceiling and the null population, and what the numbers cannot say."""
    names = f"{printable(found.subject, limit=60)} and {printable(found.reference, limit=60)}"
    console.print(Text.assemble((names, "bold"), f"  {found.n_probes:,} probes, {found.method}"))
    console.print(
        Text(
            f"  {VERDICT_MARK[found.verdict]} {VERDICT_WORDS[found.verdict]}: the subject is more like the reference "
            f"than "
            "models that it did not teach."
        )
    )
    console.print(Padding(_aspects(found), (1, 2, 0, 2)))
    if found.judge is not None:
        quality = found.judge
        bias = "" if quality.position_bias is None else f"; position bias {_range(quality.position_bias)}"
        kappa, icc = (f"{v:.2f}" if v is not None else "–" for v in (quality.kappa, quality.icc))
        agreement = "" if len(quality.judges) < 2 else f"; agreement kappa {kappa}, ICC {icc}"
        console.print(Text(f"  {quality.n_ratings:,} ratings, {quality.n_failed:,} failed{bias}{agreement}"))
    if found.verdict is Verdict.NOT_MEASURED:
        console.print(
            Text("  Without models that the reference did not teach, no similarity means anything.", style="dim")
        )
    for title, lines in (("Cannot be ruled out", found.cannot_rule_out), ("Notes", found.warnings)):
        if lines:
            console.print(Padding(Text(title, style="bold"), (1, 2, 0, 2)))
            for line in lines:
                console.print(Padding(Text(f"- {printable(line, limit=600)}"), (0, 4)))


def _aspects(found: Similarity) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("aspect", "similarity", "ceiling", "untaught, highest", "p", "centred", "p centred"):
        table.add_column(name, justify="left" if name == "aspect" else "right")
    for a in found.aspects:
        highest = max((n.similarity for n in a.null), default=None)
        table.add_row(
            a.aspect,
            _range(a.similarity) if a.similarity else "no rating",
            _range(a.ceiling) if a.ceiling else "–",
            "–" if highest is None else f"{highest:.3f}",
            "–" if a.pvalue is None else f"{a.pvalue:.3f}",
            _range(a.centred) if a.centred else "–",
            "–" if a.centred_pvalue is None else f"{a.centred_pvalue:.3f}",
        )
    return table


def _range(value: Range) -> str:
    return f"{value.middle:.3f} ({value.low:.3f} to {value.high:.3f})"
