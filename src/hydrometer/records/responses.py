"""What became of one question to one model."""

from __future__ import annotations

from enum import StrEnum


class ResponseStatus(StrEnum):
    """How a question to a model ended. A question without an answer stays a row: dropping it biases an audit."""

    ANSWERED = "answered"
    EMPTY = "empty"
    """The model answered with nothing, or with white space only."""
    TRUNCATED = "truncated"
    """The answer stops because the limit on its length was reached."""
    REFUSED = "refused"
    """The model or a filter in front of it declined."""
    INVALID = "invalid"
    """Something came back that is no answer: a broken body, an error page, in every attempt."""
    FAILED = "failed"
    """No answer came back: an error, a time-out."""


STATUSES = tuple(status.value for status in ResponseStatus)

WITH_TEXT = (ResponseStatus.ANSWERED.value, ResponseStatus.TRUNCATED.value)
"""Statuses whose text is the model's own answer and can be compared."""
