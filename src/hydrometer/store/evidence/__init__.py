"""The evidence store: every question to a subject, every attempt to ask it and every answer, in one SQLite file."""

from hydrometer.store.evidence.database import Claim, EvidenceStore, Limits, Outcome, Spend
from hydrometer.store.evidence.keys import ProbeRequest, question_key
from hydrometer.store.evidence.reading import Answer, open_for_reading, read_answers

__all__ = [
    "Answer",
    "Claim",
    "EvidenceStore",
    "Limits",
    "Outcome",
    "ProbeRequest",
    "Spend",
    "open_for_reading",
    "question_key",
    "read_answers",
]
