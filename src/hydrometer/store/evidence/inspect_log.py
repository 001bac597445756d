"""Answers as an Inspect log (`.eval`), for its viewer and its readers."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

_STOPS = {"truncated": "max_tokens", "refused": "content_filter"}


def inspect_log(rows: Sequence[dict[str, Any]]) -> bytes:
    """Returns the bytes of a log with one sample a row.

    Args:
        rows: as `export_answers` lays them out, of one model.

    References:
        Inspect's log format, version 2: `header.json`, `summaries.json`, and `samples/*.json` for every sample.
    """
    model = str(rows[0]["model"])
    samples = [_sample(model, row) for row in rows]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for sample in samples:
            archive.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample))
        archive.writestr("summaries.json", json.dumps([_summary(sample) for sample in samples]))
        archive.writestr("header.json", json.dumps(_header(model, samples)))
    return buffer.getvalue()


def _sample(model: str, row: dict[str, Any]) -> dict[str, Any]:
    text, status = row["response"], row["status"]
    failed = status in {"failed", "invalid"}
    tokens_in, tokens_out = row["prompt_tokens"] or 0, row["completion_tokens"] or 0
    usage = {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
    answer = {"role": "assistant", "content": text or "", "source": "generate", "model": model}
    choice = {"message": answer, "stop_reason": _STOPS.get(status, "stop")}
    output = {"model": row["reported_model"] or model, "choices": [] if failed else [choice], "usage": usage}
    if failed:
        output["error"] = status
    return {
        "id": row["probe"],
        "epoch": row["sample"] + 1,
        "input": row["prompt"],
        "target": "",
        "messages": [{"role": "user", "content": row["prompt"]}, *([] if failed else [answer])],
        "output": output,
        "scores": {},
        "metadata": {"status": status},
        "store": {},
        "events": [],
        "model_usage": {model: usage},
        "attachments": {},
        "error": _error(status) if failed else None,
    }


def _error(status: str) -> dict[str, str]:
    return {"message": status, "traceback": "", "traceback_ansi": ""}


def _summary(sample: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": sample["id"],
        "epoch": sample["epoch"],
        "input": sample["input"],
        "target": "",
        "metadata": sample["metadata"],
        "model_usage": sample["model_usage"],
        "error": None if sample["error"] is None else sample["error"]["message"],
    }


def _header(model: str, samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    from hydrometer.version import __version__

    ids = list(dict.fromkeys(sample["id"] for sample in samples))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    failed = sum(sample["error"] is not None for sample in samples)
    # 22 characters, as Inspect's own ids have.
    mark = hashlib.sha256(f"{model}{now}".encode()).hexdigest()[:22]
    return {
        "version": 2,
        # A log is only a success if every sample has an answer.
        "status": "success" if not failed else "error",
        "eval": {
            "eval_id": mark,
            "run_id": mark,
            "task_id": mark,
            "created": now,
            "task": "hydrometer_ask",
            "task_version": 0,
            "task_attribs": {},
            "task_args": {},
            "dataset": {"name": "probes", "samples": len(ids), "sample_ids": ids, "shuffled": False},
            "model": model,
            "model_args": {},
            "config": {"epochs": max(sample["epoch"] for sample in samples)},
            "packages": {"hydrometer": __version__},
            "metadata": {},
        },
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": {"total_samples": len(samples), "completed_samples": len(samples) - failed, "scores": []},
        "stats": {"started_at": now, "completed_at": now, "model_usage": {}},
    }
