"""Attribution of one subject after another: match, compare, decide, explain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hydrometer.instruments.attribution.compare import (
    Answers,
    Sums,
    add_up,
    compare_outsider,
    mean_log_length,
    member_probes,
    similarities,
)
from hydrometer.instruments.attribution.comparison_set import ComparisonSet
from hydrometer.instruments.attribution.design import Design
from hydrometer.instruments.attribution.explain import channel_results, explanations, needs
from hydrometer.instruments.attribution.messages import with_sentences
from hydrometer.instruments.attribution.passages import passages
from hydrometer.instruments.attribution.shared_text import SharedText, shared_text
from hydrometer.instruments.attribution.significance import Z975, Decision, References, decide, references
from hydrometer.instruments.attribution.statistic import Statistics, statistics, subject_statistic
from hydrometer.instruments.attribution.subjects import Subject, match_subjects
from hydrometer.panel import Panel
from hydrometer.panel.index import Index
from hydrometer.records.attribution import Attribution, AttributionPoint, CandidateResult, Passage, Withheld
from hydrometer.records.evidence import Range, Verdict
from hydrometer.store.responses import ResponseSet

# By hand, 2026-11-24, after four wordy FuseChat models were attributed to gpt-4o; of 18 documented students none was
# lost by it (docs/log.md).
LONGER = 1.05
"""A subject whose answers are longer than those of every untaught model by this factor has no matched null."""
# By hand, 2026-11-24; not measured. Every twentieth probe is one block, so that neighbours in the file part.
_BLOCKS = 20
# For the reader's eye, by hand, 2026-11-24: a passage is looked for on 24 probes only, since each takes all answers to
# it.
_N_PASSAGES = 3
_PROBES_SEARCHED = 24


@dataclass(frozen=True)
class Comparison:
    """One subject, ready to be judged.

    Attributes:
        subject: the subject.
        compared: who is who.
        asked_G: the candidates that it can be judged for and that are asked about.
        probes: positions of the probes compared.
        outsider: its comparison with the panel, unless it is a member.
    """

    subject: Subject
    compared: ComparisonSet
    asked_G: NDArray[np.bool_]
    probes: NDArray[np.int64]
    outsider: Answers | None


@dataclass(frozen=True)
class Judged:
    """What was computed for a case.

    Attributes:
        stats: statistics of the subject and of all models of known lineage.
        row_G: the subject's; NaN where a candidate is not judged.
        found: the null population and the documented students.
        shared: its place among models that learnt the candidates' own text.
        decision: the decision.
    """

    stats: Statistics
    row_G: NDArray[np.float64]
    found: References
    shared: SharedText
    decision: Decision


@dataclass(frozen=True)
class Attributor:
    """A panel made ready to judge subjects.

    Attributes:
        panel: the panel.
        index: its index.
        candidates: the groups that are asked about; all of the panel's if None.
        alpha: the level.
        operating_point: how often this is right on this panel.
    """

    panel: Panel
    index: Index
    candidates: tuple[str, ...] | None = None
    alpha: float = 0.05
    operating_point: AttributionPoint | None = None

    @cached_property
    def design(self) -> Design:
        """What is asked."""
        return Design(self.panel, self.candidates, self.alpha)

    @property
    def groups(self) -> tuple[str, ...]:
        """All candidates of the panel."""
        return self.design.groups

    def run(
        self,
        responses: ResponseSet,
        *,
        developer: str | None = None,
        released: dt.date | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Iterator[Attribution]:
        """Yields the result of every model of a response file.

        Args:
            responses: what the subjects answered.
            developer: who makes them, if the panel's lineage does not say.
            released: when they came out, likewise.
            progress: called with the subjects done and their total.
        """
        self.design.check()
        subjects = match_subjects(self.panel, responses, developer=developer, released=released)
        for done, subject in enumerate(subjects, start=1):
            yield self.judge(subject)
            progress(done, len(subjects))

    def judge(self, subject: Subject) -> Attribution:
        """Returns the result of one subject."""
        outsider = None if subject.member is not None else compare_outsider(self.index, subject.texts)
        if outsider is None:
            probes = np.intersect1d(member_probes(self.index, subject.member or 0), sorted(subject.texts))
        else:
            probes = outsider.probes
        compared = self.design.comparison_set(subject)
        asked_G = self.design.asked_mask & compared.judged[compared.subject]
        warnings = list(subject.warnings)
        if outsider is not None and outsider.n_cut:
            warnings.append(f"{outsider.n_cut:,} answers are longer than what is compared and were cut")
        reason = self.design.too_little(compared, len(probes), asked_G)
        if reason is not None:
            return with_sentences(self._not_measured(subject, len(probes), (*warnings, reason)))
        case = Comparison(subject, compared, asked_G, probes, outsider)
        judged = self._decide(case, self._blocks(probes, outsider))
        return with_sentences(self._result(case, judged, (*warnings, *self._weaknesses(case, judged))))

    @cached_property
    def _members_blocks(self) -> dict[bytes, list[Sums]]:
        return {}

    def _blocks(self, probes: NDArray[np.int64], outsider: Answers | None) -> list[Sums]:
        """Returns sums by block of probes; kept for members of the panel, most of which answered the same."""
        key = probes.tobytes()
        if outsider is None and key in self._members_blocks:
            return self._members_blocks[key]
        blocks = [add_up(self.index, probes[k::_BLOCKS], outsider) for k in range(_BLOCKS)]
        if outsider is None:
            self._members_blocks.clear()
            self._members_blocks[key] = blocks
        return blocks

    def _decide(self, case: Comparison, blocks: Sequence[Sums]) -> Judged:
        """Computes statistics, their noise over blocks of probes, and the decision."""
        whole = blocks[0]
        for block in blocks[1:]:
            whole = whole + block
        compared, similarity_MM = case.compared, similarities(whole)
        stats = statistics(compared, similarity_MM)
        row_G = np.where(case.asked_G, stats.total_MG[compared.subject], np.nan)
        leave_out = [subject_statistic(compared, similarities(whole - block), stats.frame) for block in blocks]
        null_G = self.design.null_mask(compared)
        found = references(compared, stats.total_MG, null_G=null_G, asked_G=case.asked_G)
        shared = shared_text(compared, similarity_MM)
        withheld = self._withheld(compared, mean_log_length(whole), int(np.nanargmax(row_G)), shared)
        decision = decide(row_G, leave_out, found, shared, alpha=self.alpha, withheld=withheld)
        return Judged(stats, row_G, found, shared, decision)

    def _withheld(
        self, compared: ComparisonSet, length_M: NDArray[np.float64], leading: int, shared: SharedText
    ) -> Withheld | None:
        """Returns why nobody may be named, whatever the p-value."""
        if compared.direction_is_open(leading):
            return "direction"
        # One side only: shorter answers share fewer marks with everybody and make nobody look taught.
        longest = length_M[list(compared.null_models)].max()
        if length_M[compared.subject] > longest + np.log(LONGER):
            return "length"
        return "shared_text" if shared.explains(leading, self.alpha) else None

    def _weaknesses(self, case: Comparison, judged: Judged) -> Iterator[str]:
        """Yields what weakens the answer."""
        compared = case.compared
        controls = {compared.models[i].developer for i in compared.null_models if compared.models[i].role == "control"}
        yield (
            f"the null population is {len(judged.found.null.statistics)} models; its controls come from "
            f"{len(controls)} developers, so that it is thinner than their number says"
        )
        leading = judged.decision.leading
        if not self._taught(compared, leading):
            yield f"no documented student of {self.groups[leading]} helps to recognise it: its power is lower"
        if self.design.null_mask(compared).sum() > self.design.asked_mask.sum():
            yield (
                "too few models are documented as untaught by just the candidates asked about: the null population is "
                "that of all candidates, which asks more of the evidence"
            )
        if judged.decision.withheld == "direction":
            yield (
                "the subject is itself a candidate of this panel, and it is not known which of the two came first: "
                "nobody is named"
            )
        if judged.decision.withheld == "shared_text":
            yield (
                f"models that learnt the human text of {self.groups[leading]}, and nothing from it, resemble its "
                "students as much: the subject may have learnt that text, and nobody is named"
            )
        if judged.decision.withheld == "length":
            yield (
                "its answers are longer than those of every untaught model, so that its p-value is not that of a "
                "matched null population: nobody is named"
            )

    def _result(self, case: Comparison, judged: Judged, warnings: tuple[str, ...]) -> Attribution:
        """Puts the record together."""
        compared, found, decision = case.compared, judged.found, judged.decision
        value = float(judged.row_G[decision.leading])
        margin = Z975 * decision.error
        n_probes = len(case.probes)
        return Attribution(
            subject=case.subject.lineage.model,
            candidates=tuple(self._candidate(compared, g, judged) for g in self._asked_positions()),
            attributed=tuple(self.groups[g] for g in decision.attributed),
            verdict=decision.verdict,
            false_positive_rate=found.null.false_positive_rate(self.alpha),
            n_probes=n_probes,
            warnings=warnings,
            alpha=self.alpha,
            n_null=len(found.null.statistics),
            smallest_pvalue=found.null.smallest_pvalue,
            threshold=found.null.threshold(self.alpha),
            interval=Range(
                low=value - margin,
                middle=value,
                high=value + margin,
                unit="",
                level=0.95,
                method=f"jackknife over {_BLOCKS} blocks of probes",
            ),
            also_resembles=tuple(self.groups[g] for g in decision.also),
            withheld=decision.withheld,
            channels=channel_results(compared, judged.stats, decision.leading, case.asked_G),
            reference=found.models,
            passages=self._passages(case, compared.members[decision.leading]),
            cannot_rule_out=explanations(compared, decision.leading, judged.shared),
            needs=needs(decision, found, n_probes=n_probes, n_panel=self.index.record.n_probes, alpha=self.alpha),
            operating_point=self.operating_point,
            panel=self.panel.folder.name,
            sha256=dict(self.panel.sha256),
        )

    def _passages(self, case: Comparison, members: Sequence[int]) -> tuple[Passage, ...]:
        """Returns passages from the probes whose phrasing and openings resemble the candidate's most."""
        if not any(case.subject.texts.values()):
            return ()
        excess = np.zeros(len(case.probes))
        # The two channels that a reader can see on the page.
        for name in ("phrasing", "openings"):
            for k, probe in enumerate(case.probes):
                row_M = (
                    case.outsider.similarity_PM[name][k]
                    if case.outsider is not None
                    else self.index.channels[name].similarity_PMM[probe, case.subject.member].astype(np.float64)
                )
                excess[k] += row_M[list(members)].max() - np.median(row_M)
        probes = [int(case.probes[k]) for k in np.argsort(-excess)[:_PROBES_SEARCHED]]
        names = [self.panel.models[i] for i in members]
        own = [self.panel.models[i] for i in (*case.subject.copies, case.subject.member) if i is not None]
        return passages(self.panel, case.subject.texts, names, probes, without=own)[:_N_PASSAGES]

    def _not_measured(self, subject: Subject, n_probes: int, warnings: tuple[str, ...]) -> Attribution:
        return Attribution(
            subject=subject.lineage.model,
            candidates=tuple(CandidateResult(name=n, statistic=None, pvalue=None) for n in self.design.asked),
            attributed=(),
            verdict=Verdict.NOT_MEASURED,
            false_positive_rate=None,
            n_probes=n_probes,
            warnings=warnings,
            alpha=self.alpha,
            n_null=0,
            smallest_pvalue=None,
            threshold=None,
            interval=None,
            also_resembles=(),
            withheld=None,
            channels=(),
            reference=(),
            passages=(),
            cannot_rule_out=(),
            needs=(warnings[-1],),
            operating_point=self.operating_point,
            panel=self.panel.folder.name,
            sha256=dict(self.panel.sha256),
        )

    def _candidate(self, compared: ComparisonSet, g: int, judged: Judged) -> CandidateResult:
        known = not np.isnan(judged.row_G[g])
        return CandidateResult(
            name=self.groups[g],
            statistic=float(judged.row_G[g]) if known else None,
            pvalue=float(judged.decision.pvalue_G[g]) if known else None,
            models=tuple(compared.models[i].model for i in compared.members[g]),
            n_students=len(self._taught(compared, g)),
            n_same_text=judged.shared.n_G[g],
            shared_text_pvalue=None if np.isnan(shared := judged.shared.pvalues(self.alpha)[g]) else float(shared),
            note=None if known else _why_not(compared, g),
        )

    def _taught(self, compared: ComparisonSet, g: int) -> list[int]:
        kin = compared.kin[compared.subject]
        return [i for i in compared.taught[g] if not kin[i]]

    def _asked_positions(self) -> list[int]:
        return [self.groups.index(name) for name in self.design.asked]


def _why_not(compared: ComparisonSet, candidate: int) -> str:
    if compared.came_first(compared.subject, candidate) is False:
        return "released after the subject: it cannot have taught it"
    return "its maker's own, or its parent's: not a foreign teacher"
