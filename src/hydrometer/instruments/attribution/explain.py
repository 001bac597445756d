"""What a result means in words: channel by channel, what else could explain it, what would settle it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrometer.instruments.attribution.compare import LENGTH, STYLE
from hydrometer.instruments.attribution.comparison_set import ComparisonSet
from hydrometer.instruments.attribution.shared_text import SharedText
from hydrometer.instruments.attribution.significance import Z975, Decision, References
from hydrometer.instruments.attribution.statistic import COUNTED, REPORTED, Statistics
from hydrometer.records.attribution import ChannelResult
from hydrometer.records.evidence import Verdict
from hydrometer.stats.conformal import models_needed

MEANINGS = {
    "content": "words and pairs of words, beyond what the prompt makes everybody say",
    "phrasing": "runs of three and four words",
    "openings": "the first and the last one to eight words",
    "layout": "how lines begin (lists, headings, numbers) and how many there are",
    STYLE: "function words, punctuation and phrases that every topic needs",
    LENGTH: "how long the answers are, probe by probe",
}


def channel_results(
    compared: ComparisonSet, stats: Statistics, leading: int, asked_G: NDArray[np.bool_]
) -> tuple[ChannelResult, ...]:
    """Returns each channel's resemblance to the leading candidate and its place among the untaught models."""
    found = []
    for name in REPORTED:
        value_MG = stats.direct_MG[name]
        mine = value_MG[compared.subject, leading]
        # A place per channel is for reading; no p-value is made of it, or five channels would be five further looks.
        null = [value_MG[i, leading] for i in compared.null_models if compared.untaught(i)[leading]]
        row_G = np.where(asked_G, value_MG[compared.subject], -np.inf)
        found.append(
            ChannelResult(
                channel=name,
                meaning=MEANINGS[name],
                counted=name in COUNTED,
                value=float(mine),
                rank=1 + int(sum(other >= mine for other in null)),
                n_null=len(null),
                nearest=compared.candidates[int(np.argmax(row_G))],
            )
        )
    return tuple(found)


def explanations(compared: ComparisonSet, leading: int, shared: SharedText) -> tuple[str, ...]:
    """Returns what the evidence cannot rule out, whatever the verdict."""
    name = compared.candidates[leading]
    makers = compared.developers[leading]
    siblings = [
        other
        for g, other in enumerate(compared.candidates)
        if g != leading and compared.developers[g] & makers and compared.members[g]
    ]
    found = [
        f"An indirect teacher: the subject may have learnt from a model or a data set that {name} taught.",
        f"Shared web data: answers of {name} stand on public pages that many models are trained on.",
        _common_text(name, shared.n_G[leading]),
        "A teacher outside the panel that resembles the candidate.",
    ]
    if siblings:
        found.insert(0, f"A sibling of the candidate: {', '.join(siblings)}, or a version that is not in the panel.")
    else:
        found.insert(0, "A sibling of the candidate that is not in the panel.")
    found.insert(
        0, f"The other direction: likeness has none. {name} may have learnt from the subject, or both from a third."
    )
    return tuple(found)


def _common_text(name: str, n_same_text: int) -> str:
    start = "Common human-written data, or annotators with one style guide"
    if n_same_text:
        return f"{start}: {n_same_text} models of the panel learnt {name}'s own human text, so that this was looked at."
    return (
        f"{start}: no model of the panel is documented to have learnt {name}'s own human text without {name}, and one "
        "that did would resemble it as its students do."
    )


def needs(decision: Decision, found: References, *, n_probes: int, n_panel: int, alpha: float) -> tuple[str, ...]:
    """Returns what would settle an open question; nothing where it is settled."""
    if decision.verdict is not Verdict.INCONCLUSIVE:
        return ()
    wanted = []
    if decision.withheld == "direction":
        wanted.append("Release dates of both (column released of lineage.csv): who came later taught nobody before.")
    if decision.withheld == "shared_text":
        wanted.append(
            "What the subject was trained on: the candidate's human text, or answers that the candidate wrote."
        )
    if decision.withheld == "length":
        wanted.append(
            "Models documented as untaught whose answers are as long as the subject's, or shorter answers of it."
        )
    if n_probes < n_panel:
        wanted.append(
            f"Answers to the panel's other {n_panel - n_probes:,} prompts: {n_probes:,} were compared, and the "
            f"statistic is known to ±{Z975 * decision.error:.2g}."
        )
    n_null = len(found.null.statistics)
    wanted.append(
        f"More models documented as untaught, from further developers: {n_null} support no p-value below "
        f"{found.null.smallest_pvalue:.2g}, and the subject's is {np.nanmin(decision.pvalue_G):.2g}."
    )
    n_students = len(found.students)
    if 1 / (n_students + 1) > alpha:
        wanted.append(
            f"More documented students: {n_students} are too few to oppose at alpha {alpha:g}; "
            f"{models_needed(alpha)} would do."
        )
    else:
        wanted.append("Models that the leading candidate is documented to have taught, on the subject's base family.")
    return tuple(wanted)
