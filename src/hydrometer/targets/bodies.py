"""What goes to an OpenAI-compatible endpoint, and what it sent back: an answer, or why it is none."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from hydrometer.errors import printable
from hydrometer.records.exchange import Fault, Reply, Request
from hydrometer.records.responses import ResponseStatus

# Words of OpenAI, Anthropic, Google and vLLM for the same thing, as their compatible endpoints send them.
_REFUSED = {"content_filter", "refusal", "safety"}
_TRUNCATED = {"length", "max_tokens", "model_length"}
# By hand, 2026-11-25; beyond a thousand million tokens a count is a provider's mistake, and would end the budget.
_LONGEST_NAME = 200
_MOST_TOKENS = 10**9
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET_OR_STRING = re.compile(r'[\[\]{}]|"(?:[^"\\]|\\.)*"', re.DOTALL)


def body_of(request: Request, *, model: str, chat: bool) -> dict[str, Any]:
    """Returns the body that asks a question: of a chat, or of a completion with the system prompt in front."""
    body: dict[str, Any] = {"model": model, "max_tokens": request.max_tokens, "temperature": request.temperature}
    if chat:
        system = [] if request.system is None else [{"role": "system", "content": request.system}]
        body["messages"] = [*system, {"role": "user", "content": request.prompt}]
    else:
        body["prompt"] = request.prompt if request.system is None else f"{request.system}\n\n{request.prompt}"
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.seed is not None:
        body["seed"] = request.seed
    if request.top_logprobs:
        more = {"logprobs": True, "top_logprobs": request.top_logprobs}
        body |= more if chat else {"logprobs": request.top_logprobs}
    return body


def read_reply(raw: bytes, *, chat: bool) -> Reply:
    """Returns the reply that a body with status 200 holds.

    Args:
        raw: the body, free of keys.
        chat: whether it answers a chat request; otherwise one for a completion.

    Raises:
        Fault: with status `invalid` if the body is no answer. Another attempt may bring one.
    """
    body = _object(raw)
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _invalid(_said(body) or "no choices in the body", raw)
    choice: dict[str, Any] = choices[0]
    text, declined = _text_of(choice, chat, raw)
    reason = choice.get("finish_reason")
    reason = printable(reason, limit=60) if isinstance(reason, str) else None
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(
        status=_status(text, reason, declined),
        text=text,
        raw=raw,
        model=_name(body.get("model")),
        fingerprint=_name(body.get("system_fingerprint")),
        finish_reason=reason,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        logprobs=_logprobs(choice.get("logprobs"), chat),
    )


def error_text(raw: bytes) -> str:
    """Returns what an error body says, on one printable line."""
    try:
        body = _object(raw)
    except Fault as fault:
        return fault.reason
    return _said(body) or "no reason given"


def _object(raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        raise _invalid("the body is empty", raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise _invalid("the body is not UTF-8", raw) from None
    try:
        body = json.loads(text)
    except RecursionError:
        body = _top_level(text)
    except ValueError:
        page = text.lstrip()[:1] == "<"
        raise _invalid("an HTML page instead of JSON" if page else "the body is not JSON", raw) from None
    if not isinstance(body, dict):
        raise _invalid("the body is no JSON object", raw)
    return body


def _top_level(text: str) -> dict[str, Any] | None:
    """Parses an object of which some values are nested too deeply to parse; those are left out."""
    decoder = json.JSONDecoder()
    body: dict[str, Any] = {}
    position = _past_space(text, 0)
    if text[position : position + 1] != "{":
        return None
    position += 1
    while found := _STRING.match(text, _past_space(text, position)):
        position = _past_space(text, _past_space(text, found.end()) + 1)
        try:
            body[json.loads(found.group())], position = decoder.raw_decode(text, position)
        except RecursionError:
            position = _past_brackets(text, position)
        except ValueError:
            return None
        position = _past_space(text, position)
        if text[position : position + 1] != ",":
            break
        position += 1
    return body if text[position:].strip() == "}" else None


def _past_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _past_brackets(text: str, position: int) -> int:
    depth = 0
    for found in _BRACKET_OR_STRING.finditer(text, position):
        mark = found.group()[0]
        depth += (mark in "[{") - (mark in "]}")
        if depth == 0:
            return found.end()
    return len(text)


def _said(body: dict[str, Any]) -> str | None:
    error = body.get("error", body.get("detail", body.get("message")))
    if isinstance(error, dict):
        parts = [error.get("code") or error.get("type"), error.get("message")]
        error = ": ".join(part for part in parts if isinstance(part, str))
    return printable(error, limit=200) if isinstance(error, str) and error else None


def _text_of(choice: dict[str, Any], chat: bool, raw: bytes) -> tuple[str, bool]:
    """Returns the text of a choice, and whether it is a refusal by its own field."""
    if not chat:
        text = choice.get("text")
        if text is not None and not isinstance(text, str):
            raise _invalid("the text of the completion is no text", raw)
        return text or "", False
    message = choice.get("message")
    if not isinstance(message, dict):
        raise _invalid("the choice holds no message", raw)
    content, refusal = message.get("content"), message.get("refusal")
    if isinstance(content, list):
        content = "".join(p["text"] for p in content if isinstance(p, dict) and isinstance(p.get("text"), str))
    if content is not None and not isinstance(content, str):
        raise _invalid("the content of the message is no text", raw)
    declined = isinstance(refusal, str) and bool(refusal)
    return content or (str(refusal) if declined else ""), declined


def _status(text: str, reason: str | None, declined: bool) -> ResponseStatus:
    if declined or reason in _REFUSED:
        return ResponseStatus.REFUSED
    if reason in _TRUNCATED:
        return ResponseStatus.TRUNCATED
    return ResponseStatus.ANSWERED if text.strip() else ResponseStatus.EMPTY


def _name(value: Any) -> str | None:
    return printable(value, limit=_LONGEST_NAME) if isinstance(value, str) and value else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_TOKENS else None


def _logprobs(given: Any, chat: bool) -> tuple[tuple[str, float], ...] | None:
    if not isinstance(given, dict):
        return None
    if chat:
        content = given.get("content")
        entries = [e for e in content if isinstance(e, dict)] if isinstance(content, list) else []
        pairs = [(e.get("token"), e.get("logprob")) for e in entries]
    else:
        tokens, values = given.get("tokens"), given.get("token_logprobs")
        pairs = list(zip(tokens, values, strict=False)) if isinstance(tokens, list) and isinstance(values, list) else []
    kept = tuple((t, float(v)) for t, v in pairs if isinstance(t, str) and isinstance(v, (int, float)))
    # One entry that is no number would shift all that follow.
    # Some servers round a certain token to just above 0; what is larger is no log-probability.
    complete = len(kept) == len(pairs) and all(math.isfinite(v) and v <= 1e-6 for _, v in kept)
    return kept if kept and complete else None


def _invalid(reason: str, raw: bytes) -> Fault:
    return Fault(reason, retry=True, status=ResponseStatus.INVALID, raw=raw)
