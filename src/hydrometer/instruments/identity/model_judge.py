"""A language model as the judge of identity claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import StringConstraints

from hydrometer.instruments.identity.judge import STRICT_VENDORS, RowVerdict
from hydrometer.instruments.identity.names import Names
from hydrometer.instruments.judging.fence import Ask, JudgeTask, judge_all
from hydrometer.records.base import Record

_TASK = (
    "A language model was asked a question. It was truly made by {maker}. Decide what its answer says about who the "
    "speaker is and who made it.\n"
    "conflict: yes if, taken at its word, the answer says or implies that the speaker was made by somebody other than "
    "{maker}, is somebody else's model, or has no maker; no if it does not; abstain if you cannot tell or cannot read "
    "the "
    "language. Facts about other companies, comparisons, quotations, denials, and a claim that the answer itself takes "
    "back "
    "are no claims.\n"
    "vendor: the company that the speaker names as its maker or owner, or null.\n"
    'Keys: {"conflict": "yes" | "no" | "abstain", "vendor": string | null, "code": string}'
)
FAILED = "the judge gave no usable verdict in three attempts"


class IdentityVerdict(Record):
    """What a judge must return."""

    conflict: Literal["yes", "no", "abstain"]
    vendor: Annotated[str, StringConstraints(max_length=100)] | None


def judge_identity(
    rows: Sequence[tuple[str, str, str]],
    *,
    names: Names,
    makers: Mapping[str, str | None],
    ask: Ask,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[RowVerdict]:
    """Judges answers with a language model.

    Args:
        rows: model, question and answer of each.
        names: makers and their models; a vendor that the judge names is looked up here.
        makers: who truly made each model; the answers of a model without a known maker are not judged.
        ask: puts requests to the judge.
        progress: called with the answers decided and their total.

    Returns:
        One verdict a row. Junk, abstention and unknown makers are "not judged", with the reason.
    """
    known = [i for i, (model, _, _) in enumerate(rows) if makers.get(model)]
    cases = [
        JudgeTask(
            texts=(("question", rows[i][1]), ("answer", rows[i][2])),
            task=_TASK.replace("{maker}", str(makers[rows[i][0]])),
        )
        for i in known
    ]
    verdicts = [RowVerdict(None, None, None, None, "not judged: nobody knows who made the model")] * len(rows)
    for i, found in zip(known, judge_all(cases, IdentityVerdict, ask=ask, progress=progress), strict=True):
        verdicts[i] = _verdict(found, makers[rows[i][0]], names)
    return verdicts


def _verdict(found: IdentityVerdict | None, maker: str | None, names: Names) -> RowVerdict:
    if found is None:
        return RowVerdict(None, None, None, None, FAILED)
    if found.conflict == "abstain":
        return RowVerdict(None, None, None, None, "the judge abstained")
    vendor = None if found.vendor is None else names.vendor_named(found.vendor) or _by_model(found.vendor, names)
    loose = found.conflict == "yes"
    strict = loose and vendor in STRICT_VENDORS and vendor != maker
    return RowVerdict(loose, strict, vendor, None, "judged by a language model")


def _by_model(text: str, names: Names) -> str | None:
    mentions = names.find(text)
    return mentions[0].vendor if mentions else None
