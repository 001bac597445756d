"""Checks a panel before anyone is judged by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hydrometer.panel.folder import Panel
from hydrometer.panel.overlap import copied_threshold, memorised_findings, overlap_findings, relatives, shared_pairs
from hydrometer.panel.quality import model_table, quality_findings
from hydrometer.records.lineage import ROLES, Lineage
from hydrometer.records.panel import LEVELS, CandidateGroup, Finding, PanelCheck


def check_panel(panel: Panel) -> PanelCheck:
    """Returns what a panel holds and every finding, worst first.

    Args:
        panel: an open panel.
    """
    frame = panel.responses().frame
    models = panel.models
    lineage = [panel.lineage_of(model) for model in models]
    related = relatives(lineage)
    pairs = shared_pairs(frame)
    threshold = copied_threshold(pairs, related, models)
    overlaps = overlap_findings(pairs, related, threshold)
    copies = {model for finding in overlaps if finding.level == "exclude" for model in finding.models}
    findings = [
        *quality_findings(model_table(frame), len(panel.probes)),
        *overlaps,
        *memorised_findings(frame, lineage, without=copies),
        *lineage_findings(lineage),
    ]
    return PanelCheck(
        panel=str(panel.folder),
        n_models=len(models),
        n_probes=len(panel.probes),
        n_responses=len(frame),
        statuses=dict(sorted(frame["status"].value_counts().iter_rows())),
        roles={role: sum(row.role == role for row in lineage) for role in ROLES},
        developers=_counted(row.developer for row in lineage),
        data_sources=_counted(row.data_source for row in lineage),
        candidates=_candidates(lineage),
        copied_threshold=threshold,
        findings=tuple(sorted(findings, key=_worst_first)),
        warnings=panel.warnings,
        sha256=dict(panel.sha256),
    )


def _worst_first(finding: Finding) -> tuple[int, float, str, tuple[str, ...]]:
    return LEVELS.index(finding.level), -(finding.share or 0.0), finding.kind, finding.models


def _counted(names: Iterable[str | None]) -> dict[str, int]:
    counts = Counter(name for name in names if name is not None)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _candidates(lineage: list[Lineage]) -> tuple[CandidateGroup, ...]:
    groups = sorted({row.own_group for row in lineage if row.own_group is not None})
    found = []
    for group in groups:
        students = [row for row in lineage if group in row.teacher_group and row.role == "positive"]
        # A student without a named source is taken as a sample of its own.
        sources = {row.data_source or f"model {row.model}" for row in students}
        found.append(
            CandidateGroup(
                name=group,
                models=tuple(row.model for row in lineage if row.own_group == group),
                n_students=len(students),
                n_mixed_students=sum(group in row.teacher_group and row.role == "mixed" for row in lineage),
                n_data_sources=len(sources),
            )
        )
    return tuple(sorted(found, key=lambda g: (-g.n_students, -g.n_mixed_students, g.name)))


def lineage_findings(lineage: list[Lineage]) -> list[Finding]:
    """Returns where rows of the lineage contradict each other or the panel."""
    groups = {row.own_group for row in lineage if row.own_group is not None}
    found = []
    for row in lineage:
        problems = []
        absent = [name for name in row.teacher_group if name not in groups]
        if absent:
            problems.append(f"teacher '{', '.join(absent)}' has no model in the panel, so it cannot be found")
        if row.role == "positive" and not row.teacher_group:
            problems.append("role 'positive', but no teacher is named")
        if row.role == "positive" and row.data_source is None:
            problems.append("role 'positive' without data_source: students of one source would count as independent")
        if row.role == "control" and row.teacher_group:
            problems.append(f"role 'control', but taught by '{', '.join(row.teacher_group)}'")
        if row.own_group is not None and row.own_group in row.teacher_group:
            problems.append(f"taught by its own group '{row.own_group}'")
        if row.parent == row.model:
            problems.append("is its own parent")
        found += [Finding(level="caution", kind="lineage", models=(row.model,), text=text) for text in problems]
    return found
