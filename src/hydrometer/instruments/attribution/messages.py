"""What an attribution says in sentences: the same in the terminal, in an audit and in its report."""

from __future__ import annotations

from hydrometer.records.attribution import Attribution
from hydrometer.records.evidence import Verdict
from hydrometer.records.numbers import fraction, percent

NEEDS = (
    "The model's answers, and a panel: other models' answers to the same prompts, with their documented "
    "teachers. A published dossier holds no answers, so none of this can be measured from the public record "
    "alone.",
    "Ask the model the panel's prompts (probes.parquet), then run this audit again with "
    "`--responses FILE --panel DIR`.",
)


def with_sentences(found: Attribution) -> Attribution:
    """Returns a finding with its answer and its error rates in sentences."""
    return found.model_copy(update={"answer": answer(found), "how_sure": how_sure(found)})


def proposition(subject: str, found: Attribution) -> tuple[str, str]:
    """Returns what is judged, and what would be so if it were false."""
    judged = [c for c in found.candidates if c.statistic is not None] or found.candidates
    if len(judged) == 1:
        return (
            f"{judged[0].name} taught {subject}.",
            f"{subject} learnt from another source; its answers resemble the candidate only as those of untaught "
            "models do.",
        )
    return (
        f"One of {len(judged)} candidates taught {subject}.",
        f"{subject} learnt from none of them; its answers resemble the candidates only as those of untaught models do.",
    )


def answer(found: Attribution) -> str:
    """Returns the answer as one plain sentence."""
    best = found.leading
    if found.verdict is Verdict.NOT_MEASURED or best is None or best.pvalue is None:
        return f"Not measured: {found.warnings[-1]}."
    as_high = sum(m.kind != "student" and m.statistic >= (best.statistic or 0.0) for m in found.reference)
    rate = f"p = {fraction((1 + as_high) / (found.n_null + 1), found.n_null)}"
    untaught = f"of {found.n_null} models documented as untaught"
    if found.verdict is Verdict.SUPPORTS:
        named = " or ".join(found.attributed)
        those = "it" if len(found.attributed) == 1 else "they"
        return (
            f"Its answers resemble those of {named} and of models that {those} taught. "
            f"{_number(as_high)} {untaught} resemble any candidate as much ({rate})."
        )
    if found.verdict is Verdict.OPPOSES:
        students = [m.statistic for m in found.reference if m.kind == "student"]
        as_low = sum(s <= (best.statistic or 0.0) for s in students)
        return (
            f"Its answers resemble no candidate as students do. {_number(as_low)} of {len(students)} models documented "
            f"as taught resemble their teacher as little (p = {as_low + 1}/{len(students) + 1})."
        )
    if found.withheld == "length":
        return (
            f"Nothing is established. {_number(as_high)} {untaught} resemble any candidate as much as it resembles "
            f"{best.name} ({rate}), but none of them answers at such length, and longer answers hold "
            "more that can be alike."
        )
    if found.withheld == "direction":
        return (
            f"Nothing is established about who taught whom. It and {best.name} resemble each other more than chance "
            f"explains ({rate}), but either may have learnt from the other: it is not known which came first."
        )
    if found.withheld == "shared_text":
        return (
            f"Nothing is established. It resembles {best.name} more than chance explains ({rate}), but so do models "
            f"that learnt the human text of {best.name} and nothing from it: it may be one of them."
        )
    about = best.name if len(found.candidates) == 1 else f"any candidate. The closest is {best.name}"
    return f"Nothing is established about {about}. {_number(as_high)} {untaught} resemble a candidate as much ({rate})."


def how_sure(found: Attribution) -> str:
    """Returns the error rates as plain sentences."""
    if found.verdict is Verdict.NOT_MEASURED or found.false_positive_rate is None:
        return "Nothing was measured, so nothing is known."
    rate = percent(found.false_positive_rate)
    text = (
        f"At alpha {found.alpha:g} an untaught model, if it is like those compared, is attributed to somebody in "
        f"{rate} of cases."
    )
    point = found.operating_point
    if point is None:
        return text + " How often taught models are recognised was not measured at this level on this panel."
    return (
        f"{text} Measured on this panel, kin left out: {percent(point.false_accusation.middle)} of {point.n_controls} "
        f"controls accused ({percent(point.false_accusation.low)} to {percent(point.false_accusation.high)}); the "
        f"documented teacher named for {percent(point.power.middle)} ({percent(point.power.low)} to "
        f"{percent(point.power.high)}, {point.n_sources} data sources); somebody else for "
        f"{percent(point.wrong_teacher)}."
    )


def _number(n: int) -> str:
    return "None" if n == 0 else f"{n:,}"
