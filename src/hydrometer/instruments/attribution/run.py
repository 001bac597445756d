"""Attribution of one subject after another: match, compare, decide, explain."""

from __future__ import annotations

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
from hydrometer.instruments.attribution.explain import channel_results, explanations, needs
from hydrometer.instruments.attribution.passages import passages
from hydrometer.instruments.attribution.question import Question
from hydrometer.instruments.attribution.roster import Roster
from hydrometer.instruments.attribution.significance import Z95, decide, references
from hydrometer.instruments.attribution.statistic import statistics, subject_statistic
from hydrometer.instruments.attribution.subjects import Subject, match_subjects
from hydrometer.panel import Panel
from hydrometer.panel.index import Index
from hydrometer.records.attribution import Attribution, AttributionPoint, CandidateResult
from hydrometer.records.evidence_base import Range, Verdict
from hydrometer.store.responses import ResponseSet

LONGER = 1.05
"""A subject whose answers are longer than those of every untaught model by this factor has no matched null."""
_BLOCKS = 20
_N_PASSAGES = 3
_PROBES_SEARCHED = 24


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
    def question(self) -> Question:
        """What is asked."""
        return Question(self.panel, self.candidates, self.alpha)

    @property
    def groups(self) -> tuple[str, ...]:
        """All candidates of the panel."""
        return self.question.groups

    def run(
        self,
        responses: ResponseSet,
        *,
        developer: str | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Iterator[Attribution]:
        """Yields the result of every model of a response file.

        Args:
            responses: what the subjects answered.
            developer: who makes them, if the panel's lineage does not say.
            progress: called with the subjects done and their total.
        """
        self.question.check()
        subjects = match_subjects(self.panel, responses, developer=developer)
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
        roster = self.question.roster(subject)
        asked_G = self.question.asked_mask & roster.judged[roster.subject]
        warnings = list(subject.warnings)
        if outsider is not None and outsider.n_cut:
            warnings.append(f"{outsider.n_cut:,} answers are longer than what is compared and were cut")
        reason = self.question.too_little(roster, len(probes), asked_G)
        if reason is not None:
            return self._not_measured(subject, len(probes), (*warnings, reason))
        blocks = self._blocks(probes, outsider)
        return self._decide(subject, roster, asked_G, blocks, probes, outsider, warnings)

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

    def _decide(
        self,
        subject: Subject,
        roster: Roster,
        asked_G: NDArray[np.bool_],
        blocks: Sequence[Sums],
        probes: NDArray[np.int64],
        outsider: Answers | None,
        warnings: list[str],
    ) -> Attribution:
        whole = blocks[0]
        for block in blocks[1:]:
            whole = whole + block
        similarity = similarities(whole)
        stats = statistics(roster, similarity)
        row_G = np.where(asked_G, stats.total_MG[roster.subject], np.nan)
        leave_out = [subject_statistic(roster, similarities(whole - block), stats.frame) for block in blocks]
        found = references(roster, stats.total_MG, asked_G)
        length_M = mean_log_length(whole)
        longest = bool(length_M[roster.subject] > length_M[list(roster.null_models)].max() + np.log(LONGER))
        decision = decide(row_G, leave_out, found, alpha=self.alpha, longest=longest)
        leading = decision.leading
        names = self.groups
        value = float(row_G[leading])
        margin = Z95 * decision.error
        controls = {roster.models[i].developer for i in roster.null_models if roster.models[i].role == "control"}
        warnings.append(
            f"the null population is {len(found.null.statistics)} models; its controls come from {len(controls)} "
            "developers, so that it is thinner than their number says"
        )
        if not self._taught(roster, leading):
            warnings.append(f"no documented student of {names[leading]} helps to recognise it: its power is lower")
        if decision.unmatched:
            warnings.append(
                "its answers are longer than those of every untaught model, so that its p-value is not that of a "
                "matched null population: nobody is named"
            )
        telling = self._telling(roster.members[leading], probes, subject, outsider)
        models = tuple(roster.models[i].model for i in roster.members[leading])
        own = [self.panel.models[i] for i in (*subject.copies, subject.member) if i is not None]
        return Attribution(
            subject=subject.lineage.model,
            candidates=tuple(self._candidate(roster, g, row_G, decision.pvalue_G) for g in self._asked_positions()),
            attributed=tuple(names[g] for g in decision.attributed),
            verdict=decision.verdict,
            false_positive_rate=found.null.false_positive_rate(self.alpha),
            n_probes=len(probes),
            warnings=tuple(warnings),
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
            also_resembles=tuple(names[g] for g in decision.also),
            channels=channel_results(roster, stats, leading, asked_G),
            reference=found.models,
            passages=passages(self.panel, subject.texts, models, telling, without=own)[:_N_PASSAGES],
            cannot_rule_out=explanations(roster, leading),
            needs=needs(decision, found, n_probes=len(probes), n_panel=self.index.record.n_probes, alpha=self.alpha),
            operating_point=self.operating_point,
            panel=self.panel.folder.name,
            sha256=dict(self.panel.sha256),
        )

    def _telling(
        self, members: Sequence[int], probes: NDArray[np.int64], subject: Subject, outsider: Answers | None
    ) -> list[int]:
        """Returns the probes on which phrasing and openings resemble the candidate's more than the panel's usually."""
        if not any(subject.texts.values()):
            return []
        excess = np.zeros(len(probes))
        for name in ("phrasing", "openings"):
            for k, probe in enumerate(probes):
                row_M = (
                    outsider.similarity_PM[name][k]
                    if outsider is not None
                    else self.index.channels[name].similarity_PMM[probe, subject.member].astype(np.float64)
                )
                excess[k] += row_M[list(members)].max() - np.median(row_M)
        return [int(probes[k]) for k in np.argsort(-excess)[:_PROBES_SEARCHED]]

    def _not_measured(self, subject: Subject, n_probes: int, warnings: tuple[str, ...]) -> Attribution:
        return Attribution(
            subject=subject.lineage.model,
            candidates=tuple(CandidateResult(name=n, statistic=None, pvalue=None) for n in self.question.asked),
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
            channels=(),
            reference=(),
            passages=(),
            cannot_rule_out=(),
            needs=(warnings[-1],),
            operating_point=self.operating_point,
            panel=self.panel.folder.name,
            sha256=dict(self.panel.sha256),
        )

    def _candidate(
        self, roster: Roster, g: int, row_G: NDArray[np.float64], pvalue_G: NDArray[np.float64]
    ) -> CandidateResult:
        judged = not np.isnan(row_G[g])
        return CandidateResult(
            name=self.groups[g],
            statistic=float(row_G[g]) if judged else None,
            pvalue=float(pvalue_G[g]) if judged else None,
            models=tuple(roster.models[i].model for i in roster.members[g]),
            n_students=len(self._taught(roster, g)),
            note=None if judged else "its maker's own, or its parent's: not a foreign teacher",
        )

    def _taught(self, roster: Roster, g: int) -> list[int]:
        kin = roster.kin[roster.subject]
        return [i for i in roster.taught[g] if not kin[i]]

    def _asked_positions(self) -> list[int]:
        return [self.groups.index(name) for name in self.question.asked]
