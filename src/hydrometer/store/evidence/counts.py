"""How many questions have which answer, who answered them, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydrometer.records.exchange import Target
from hydrometer.store.evidence.keys import canonical_identity
from hydrometer.store.evidence.reading import open_for_reading
from hydrometer.store.evidence.schema import GOOD

_STATUS = """CASE
  WHEN attempt.outcome IS NOT NULL THEN attempt.outcome
  WHEN call.state = 'given up' THEN coalesce(
    (SELECT CASE a.outcome WHEN 'invalid' THEN 'invalid' ELSE 'failed' END
     FROM attempt AS a WHERE a.call = call.id ORDER BY a.n DESC LIMIT 1), 'failed')
  ELSE 'open' END"""
_GOOD = f"LEFT JOIN attempt ON attempt.call = call.id AND attempt.outcome IN {GOOD!r}"


@dataclass(frozen=True)
class Counts:
    """What a store holds for one plan.

    Attributes:
        statuses: status to the number of probes, by their first sample.
        repeats: status to the number of further samples.
        reported_models: name that the provider gave to the number of answers.
        fingerprints: the provider's mark to the number of answers.
        prompt_tokens: as reported with the answers.
        completion_tokens: as reported with the answers.
        attempts: outcome to the number of attempts.
    """

    statuses: dict[str, int]
    repeats: dict[str, int]
    reported_models: dict[str, int]
    fingerprints: dict[str, int]
    prompt_tokens: int
    completion_tokens: int
    attempts: dict[str, int]


def count_calls(path: Path, keys: Sequence[bytes]) -> Counts:
    """Counts what became of the calls with these keys.

    Raises:
        InputError: if the store is damaged.
    """
    with open_for_reading(path) as db:
        db.execute("CREATE TEMP TABLE wanted (call INTEGER PRIMARY KEY)")
        db.executemany("INSERT OR IGNORE INTO wanted SELECT id FROM call WHERE key = ?", ((key,) for key in keys))
        calls = "FROM wanted JOIN call ON call.id = wanted.call"

        def grouped(what: str, tables: str, where: str = "1") -> dict[str, int]:
            sql = f"SELECT {what}, count(*) FROM {tables} WHERE {where} GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608
            return {str(name): int(n) for name, n in db.execute(sql) if name is not None}

        good = f"{calls.removeprefix('FROM ')} {_GOOD}"
        every = f"{calls.removeprefix('FROM ')} JOIN attempt ON attempt.call = call.id"
        reported = db.execute(
            f"SELECT total(prompt_tokens), total(completion_tokens) FROM {good}"  # noqa: S608
        ).fetchone()
        return Counts(
            statuses=grouped(_STATUS, good, "call.replicate = 0"),
            repeats=grouped(_STATUS, good, "call.replicate > 0"),
            reported_models=grouped("reported_model", good),
            fingerprints=grouped("fingerprint", good),
            prompt_tokens=int(reported[0]),
            completion_tokens=int(reported[1]),
            attempts=grouped("outcome", every),
        )


def identity_of(target: Target) -> str:
    """Returns what tells a target from others, as the store keeps it."""
    return canonical_identity(target.identity)
