"""Words and marks shared by page and terminal."""

from __future__ import annotations

from hydrometer.records.evidence import Verdict

VERDICT_MARK = {
    Verdict.SUPPORTS: "✓",
    Verdict.OPPOSES: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_MEASURED: "○",
}
VERDICT_WORDS = {
    Verdict.SUPPORTS: "supports",
    Verdict.OPPOSES: "opposes",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.NOT_MEASURED: "not measured",
}
KIND_WORDS = {
    "control": "untaught by another vendor's model (control)",
    "other_teacher": "taught by others, not by this candidate",
    "student": "a student of this candidate",
}
