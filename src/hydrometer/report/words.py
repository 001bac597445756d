"""Words and marks shared by page and terminal."""

from __future__ import annotations

from hydrometer.records.evidence_base import Verdict

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
INSTRUMENT_WORDS = {
    "training_cost": "training cost",
    "attribution": "attribution",
    "identity": "identity consistency",
    "similarity": "response similarity",
    "demand": "compute demand",
}
KIND_WORDS = {
    "control": "untaught by another vendor's model (control)",
    "other_teacher": "taught by others, not by this candidate",
    "student": "a student of this candidate",
}
