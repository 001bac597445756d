"""Files of other tools, row by row: AlpacaEval, lm-evaluation-harness, OpenAI batches."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from hydrometer.errors import InputError, printable
from hydrometer.store.files import decode_utf8, read_bytes
from hydrometer.store.responses.common import RAW_SCHEMA, RawRows, place_of, unpaired_replaced
from hydrometer.store.responses.rows import Row, json_lines, kind, parse, text_of

# By hand, 2026-11-24: OpenAI's batches end at 200 MB and 50,000 requests.
_LARGEST_REQUESTS = 512 * 1024 * 1024
_MOST_REQUEST_FILES = 50
_STATUS_OF_REASON = {
    "length": "truncated",
    "max_tokens": "truncated",
    "model_length": "truncated",
    "content_filter": "refused",
    "refusal": "refused",
}


class Collected:
    """Rows gathered one by one, with what went odd on the way."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {name: [] for name in RAW_SCHEMA}
        self._halves = 0
        self.several_turns = 0
        self.warnings: list[str] = []

    def add(self, row: int, model: str | None, prompt: str | None, response: str | None, status: str | None) -> None:
        """Adds one row."""
        self._columns["row"].append(row)
        for name, text in (("model", model), ("prompt", prompt), ("response", response), ("status", status)):
            clean = None if text is None else unpaired_replaced(text)
            self._halves += clean != text
            self._columns[name].append(clean)

    def raw(self, name: str, *, line: bool = False, sample: bool = False) -> RawRows:
        """Returns the rows as a table."""
        frame = pl.DataFrame(self._columns, schema=RAW_SCHEMA)
        if self._halves:
            self.warnings.append(f"{self._halves:,} texts with halves of characters, replaced by U+FFFD")
        if self.several_turns:
            self.warnings.append(f"{self.several_turns:,} conversations of several turns: their last question is taken")
        return RawRows(frame, name, "line" if line else "sample" if sample else "row", self.warnings)


def status_of_reason(reason: object) -> str | None:
    """Returns the status that a reason to stop means; None where it means nothing special."""
    return _STATUS_OF_REASON.get(reason) if isinstance(reason, str) else None


def content_text(content: Any, *, where: str) -> str | None:
    """Returns the text of a message: a string, or the text parts of a list; None where there is none."""
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [p["text"] for p in content if isinstance(p, dict) and isinstance(p.get("text"), str)]
        return "\n".join(parts) if parts else None
    raise InputError(
        f"the content of a message is {kind(content)}", cure="it must be text or a list of parts", where=where
    )


def last_question(messages: list[Any], rows: Collected, *, where: str) -> str | None:
    """Returns the text of the last message of the user."""
    asked = [m for m in messages if isinstance(m, dict) and m.get("role") == "user"]
    rows.several_turns += len(asked) > 1
    return content_text(asked[-1].get("content"), where=where) if asked else None


def alpaca_eval(found: list[Row], *, path: Path, model: str | None) -> RawRows:
    """Reads AlpacaEval's `model_outputs.json`: `instruction`, `output`, `generator`."""
    rows = Collected()
    for number, row in found:
        where = place_of(path, "row", number)
        name = text_of(row, "generator", where=where, required=model is None)
        prompt = text_of(row, "instruction", where=where)
        rows.add(number, name or model, prompt, text_of(row, "output", where=where), None)
    return rows.raw("alpaca_eval model_outputs")


def lm_eval(found: list[Row], *, path: Path, model: str | None) -> RawRows:
    """Reads lm-evaluation-harness samples: prompt in `arguments`, answers in `resps`."""
    rows = Collected()
    name = model
    if name is None:
        folder = path.resolve().parent.name
        name = folder.replace("__", "/") if "__" in folder else path.stem
        source = "folder" if "__" in folder else "file"
        rows.warnings.append(
            f"the file does not name its model: '{printable(name)}' is taken from the name of the {source}"
        )
    several = 0
    for number, row in found:
        where = place_of(path, "line", number)
        answers = row.get("resps")
        while isinstance(answers, list) and answers and isinstance(answers[0], list):
            several += len(answers[0]) > 1
            answers = answers[0]
        answer = answers[0] if isinstance(answers, list) and answers else None
        if answer is not None and not isinstance(answer, str):
            raise InputError(
                f"'resps' holds {kind(answer)}, not text",
                cure="only generating tasks (output_type generate_until) hold answers",
                where=where,
            )
        rows.add(number, name, _lm_eval_prompt(row.get("arguments"), rows, where=where), answer, None)
    if several:
        rows.warnings.append(f"{several:,} prompts were answered several times in a row: the first answer is taken")
    return rows.raw("lm-eval samples", line=True)


def _lm_eval_prompt(arguments: Any, rows: Collected, *, where: str) -> str:
    first = next(iter(arguments.values()), None) if isinstance(arguments, dict) else arguments
    # Old versions of lm-eval nest lists, newer ones objects with `arg_0`: three levels are enough for both.
    for _ in range(3):
        if isinstance(first, dict):
            first = first.get("arg_0")
        elif isinstance(first, list) and first:
            first = first[0]
    if not isinstance(first, str):
        raise InputError("no prompt in 'arguments'", cure="write samples with lm-eval 0.4 or later", where=where)
    if first.startswith("[{"):
        # With a chat template on an endpoint, the prompt is a JSON list of messages.
        messages = parse(first, where=where)
        question = last_question(messages, rows, where=where) if isinstance(messages, list) else None
        return question if question is not None else first
    return first


def openai_batch(found: list[Row], *, path: Path, probes: Mapping[str, str] | None) -> RawRows:
    """Reads the output of an OpenAI batch; the prompts come from `probes` or from the request file beside it."""
    rows = Collected()
    unnamed = {str(row.get("custom_id")) for _, row in found} - set(probes or {})
    prompts = {**_requests_beside(path, unnamed, rows), **(probes or {})}
    models = {m for _, row in found if isinstance(m := _batch_body(row).get("model"), str)}
    for number, row in found:
        where = place_of(path, "line", number)
        name = text_of(row, "custom_id", where=where)
        if name not in prompts:
            raise InputError(
                f"no prompt for custom_id '{printable(name, limit=60)}'",
                cure=f"put the request file of the batch beside it, as {path.stem}_input.jsonl, "
                "or use ids of the panel's probes",
                where=where,
            )
        body = _batch_body(row)
        model = text_of(body, "model", where=where, required=False)
        if model is None and len(models) == 1:
            model = next(iter(models))
        response, status = _batch_answer(row, body, where=where)
        rows.add(number, model, prompts[name], response, status)
    return rows.raw("openai batch output", line=True)


def _batch_body(row: dict[str, Any]) -> dict[str, Any]:
    response = row.get("response")
    body = response.get("body") if isinstance(response, dict) else None
    return body if isinstance(body, dict) else {}


def _batch_answer(row: dict[str, Any], body: dict[str, Any], *, where: str) -> tuple[str | None, str | None]:
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if row.get("error") or not isinstance(choice, dict) or not isinstance(message, dict):
        return None, "failed"
    text = content_text(message.get("content"), where=where)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        return text or refusal, "refused"
    # A call of a tool instead of words is an answer without text.
    return text or "", status_of_reason(choice.get("finish_reason"))


def _requests_beside(path: Path, unnamed: set[str], rows: Collected) -> dict[str, str]:
    """Returns the prompts of the request files beside an output file, as far as they are needed."""
    if not unnamed:
        return {}
    own = path.with_name(f"{path.stem}_input.jsonl")
    others = sorted(p for p in path.parent.glob("*.jsonl") if p not in {path, own})
    prompts: dict[str, str] = {}
    for file in [own, *others][:_MOST_REQUEST_FILES]:
        if not file.is_file() or not unnamed - set(prompts):
            continue
        content = read_bytes(file, limit=_LARGEST_REQUESTS, what="request file of a batch")
        # A first look spares reading other people's files whole.
        if b'"custom_id"' not in content[:100_000] or b'"messages"' not in content[:100_000]:
            continue
        for number, request in json_lines(decode_utf8(content, where=str(file)), path=file):
            body = request.get("body")
            messages = body.get("messages") if isinstance(body, dict) else None
            if not isinstance(messages, list):
                continue
            question = last_question(messages, rows, where=f"{file}:{number}")
            name = request.get("custom_id")
            if question is not None and isinstance(name, str) and name in unnamed:
                prompts.setdefault(name, question)
    return prompts
