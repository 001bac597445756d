"""Published deployments beside the fit: wide expert parallelism, prompts, saturated throughput. None was fitted."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fit_serving import fit
from hydrometer.costs.served import Served, served
from hydrometer.costs.serving import Deployment, Load, Terms, most_concurrency, terms
from hydrometer.costs.serving_time import Constants, speeds
from hydrometer.instruments.serving.request import chip_of, find_precision
from hydrometer.store.reference import find_accelerator
from hydrometer.store.serving import shipped_network
from serving_rows import Rows, read_network, read_table

_MODELS = {
    "DeepSeek": "DeepSeek-V3", "Kimi": "Kimi-K2-Instruct", "gpt-oss-120b": "gpt-oss-120b", "gpt-oss-20b": "gpt-oss-20b",
    "Llama-3.3-70B": "Llama-3.1-70B", "Qwen3-235B": "Qwen3-235B-A22B", "Qwen3-30B": "Qwen3-30B-A3B",
}  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A published deployment: what the formula takes, and the seconds of a token or prompt that were published."""

    name: str
    family: str
    terms: Terms
    seen: float


def _net(model: str) -> Served | None:
    name = next((ours for theirs, ours in _MODELS.items() if theirs.lower() in model.lower()), None)
    found = shipped_network(name) if name else None
    return served(found[1]) if found else None


def _chip(hardware: str, precision: str):  # type: ignore[no-untyped-def]
    name = re.sub(r"[- ](80G SXM|96G|141G|NVL72|80G)$", "", hardware.replace(" SXM", ""))
    return chip_of(find_accelerator(name.replace("-80G", "")), precision)


def _precision(text: str) -> tuple[str, float, float]:
    return find_precision("nvfp4" if "FP4" in text.upper() else text.split()[0].strip(","))


def _reading(row: dict[str, str], net: Served, name: str) -> Point | None:
    """Returns a published rate of reading prompts; None where it is simulated or lacks a layout."""
    if "INCLUDING" in row["note"] or "SIMULATED" in row["basis"]:
        return None
    if sizes := re.search(r"(EP|TP)(\d+)", row["parallelism"]):
        n, is_tp = int(sizes[2]), sizes[1] == "TP"
    elif sizes := re.search(r"prefill (\d+) nodes", row["parallelism"]):
        n, is_tp = 4 * int(sizes[1]), False  # nodes of an NVL72 hold four GPUs
    elif sizes := re.search(r"prefill instances x (\d+) GPU", row["parallelism"]):
        n, is_tp = int(sizes[1]), False
    else:
        return None
    # "FP8 attention + NVFP4" and "BF16 attention + FP8 GEMM": the matrices' precision counts.
    text = row["precision"]
    precision, width, cache = find_precision("nvfp4" if "FP4" in text.upper() else "fp8" if "FP8" in text else text)
    way = Deployment(n if is_tp else 1, 1 if is_tp else n, 1, 1, True, width, cache, precision, "sglang")
    length = float(row["isl"] or 4096)
    point = terms(net, _chip(row["hardware"], precision), way, Load(1, length, 1))
    return Point(f"{name}, {precision}, {length:g} tokens", net.key, point, length / n / float(row["in_tok_s_gpu"]))


def published(path: Path) -> tuple[list[Point], list[Point], list[Point]]:
    """Returns decoding and reading of wide expert parallelism, and saturated throughputs (seconds of a token)."""
    decoding, reading, saturated = [], [], []
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    for row in table:
        net = _net(row["model"])
        wide = re.search(r"EP(\d+)", row["parallelism"])
        if net is None:
            continue
        name = f"{row['model']}, {row['hardware']}, {row['parallelism']}, {row['engine']}"
        if (
            row["phase"].startswith("decode")
            and wide
            and (batch := re.search(r"(\d+)/GPU", row["concurrency_or_batch"]))
        ):
            precision, width, cache = _precision(row["precision"])
            n, each = int(wide[1]), float(batch[1])
            if "BF16 MLA" in row["precision"]:
                cache = 2.0
            context = float(row["kv_len"] or row["isl"] or 4096)
            draft = "SIMULATED MTP" in row["basis"]
            load = Load(each * n, context, 1.0, 0.0, 1 if draft else 0, 0.6 if draft else 0.0)
            way = Deployment(1, n, n, 1, True, width, cache, precision, "sglang")
            seconds = each / float(row["out_tok_s_gpu"])
            decoding.append(Point(name + (", MTP" if draft else ""), net.key,
                                  terms(net, _chip(row["hardware"], precision), way, load), seconds))  # fmt: skip
        elif row["phase"].startswith("prefill") and row["in_tok_s_gpu"]:
            if (point := _reading(row, net, name)) is not None:
                reading.append(point)
        elif row["concurrency_or_batch"] == "saturating" and row["out_tok_s_gpu"]:
            sizes = re.search(r"(DEP|TP)(\d+)", row["parallelism"])
            if sizes is None:
                continue
            n, is_tp = int(sizes[2]), sizes[1] == "TP"
            # OpenAI ships its models with four-bit experts: "FP8" of that table is the attention's.
            precision, width, cache = _precision("FP4" if "gpt-oss" in row["model"] else row["precision"])
            way = Deployment(
                n if is_tp else 1, 1 if is_tp else n, 1 if is_tp else n, 1, False, width, cache, precision, "trtllm"
            )
            chip, isl, osl = _chip(row["hardware"], precision), float(row["isl"]), float(row["osl"])
            most = min(max(1.0, most_concurrency(net, chip, way, isl + osl)), 4096.0 * n)
            point = terms(net, chip, way, Load(most, isl, osl))
            saturated.append(Point(name, net.key, point, most / n / float(row["out_tok_s_gpu"])))
    return decoding, reading, saturated


def disaggregated(wheel: Path) -> list[Point]:
    """Returns disaggregated rows of more than eight accelerators a step; sequences by Little's law from its times."""
    found, nets, seen = [], {}, set()
    for row in read_table(wheel)[0]:
        if row["mode"] != "disagg" or not row["decode_batch_size"]:
            continue
        tp, dp, ep, expert_tp = (
            max(1, int(float(row[f"decode_{k}"] or 1)))
            for k in ("tp_size", "attention_dp_size", "moe_ep_size", "moe_tp_size")
        )
        model = row["model_path"]
        nets[model] = nets.get(model) or read_network(wheel, model)[1]
        at_once = re.search(r"silicon_concurrency=(\d+)", row["silicon_data_source"])
        key = tuple(v for k, v in row.items() if k not in {"id", "silicon_data_source"})
        if tp * dp <= 8 or ep * expert_tp != tp * dp or at_once is None or key in seen:
            continue
        seen.add(key)
        isl, osl = float(row["isl"]), float(row["osl"])
        ttft, tpot = float(row["silicon_ttft_ms"]) / 1e3, float(row["silicon_tpot_ms"]) / 1e3
        decoding = float(at_once[1]) / float(row["decode_num_workers"] or 1) * osl * tpot / (ttft + osl * tpot)
        precision, width, cache = find_precision(row["precision"])
        chip = chip_of(find_accelerator(row["system"].replace("_sxm", "")), precision)
        way = Deployment(tp, dp, ep, 1, True, width, cache, precision, row["backend"])
        found.append(Point(f"{row['system']} tp{tp} dp{dp}", nets[model].key,
                           terms(nets[model], chip, way, Load(max(1.0, decoding), isl, osl)), tpot))  # fmt: skip
    return found


def _predicted(points: list[Point], rows: Rows, what: str) -> np.ndarray:
    """Returns seconds by constants that have not seen the point's family."""
    constants: dict[str, Constants] = {}
    for point in points:
        if point.family not in constants:
            constants[point.family] = fit(rows, rows.family != point.family)
    return np.array([float(getattr(speeds(p.terms, constants[p.family]), what)) for p in points])


def page_of_published(wheel: Path, rows: Rows, path: Path | None) -> list[str]:
    """Returns the page's part on published deployments."""
    text = ["## Published deployments, family left out", ""]
    if path is not None:
        decoding, reading, saturated = published(path)
        text += [
            "| decoding, wide expert parallelism | published ms a token | estimated | error |",
            "|---|---|---|---|",
        ]
        for point, value in zip(decoding, _predicted(decoding, rows, "tpot"), strict=True):
            text.append(
                f"| {point.name} | {point.seen * 1e3:.1f} | {value * 1e3:.1f} | {value / point.seen - 1:+.0%} |"
            )
        text += ["", "| reading prompts | published tokens/s/GPU | estimated | error |", "|---|---|---|---|"]
        for point, value in zip(reading, _predicted(reading, rows, "prompt_in_batch"), strict=True):
            rate = float(point.terms.fresh_tokens) / float(point.terms.tp * point.terms.dp)
            text.append(
                f"| {point.name} | {rate / point.seen:,.0f} | {rate / value:,.0f} | {point.seen / value - 1:+.0%} |"
            )
        error = _predicted(saturated, rows, "tpot") / np.array([p.seen for p in saturated])
        gap = np.abs(1 / error - 1)
        text += [
            "",
            f"Saturated throughput (TensorRT-LLM's own benchmark, {len(saturated)} rows; the load is not stated and is "
            f"taken to be all that fits): median error {np.median(gap):.0%}, mean {gap.mean():.0%}, "
            f"bias {np.median(1 / error) - 1:+.0%}.",
            "",
        ]
    wide = disaggregated(wheel)
    ratio = _predicted(wide, rows, "tpot") / np.array([p.seen for p in wide])
    text += [
        "Disaggregated rows of more than eight accelerators a step (InferenceX; sequences from Little's law):",
        "",
        "| accelerators | rows | median error | within 20 % | bias |",
        "|---|---|---|---|---|",
    ]
    kinds = np.array([p.name.split()[0] for p in wide])
    groups = [(str(kind), ratio[kinds == kind]) for kind in np.unique(kinds)]
    for kind, one in (*groups, ("all", ratio)):
        gap = np.abs(one - 1)
        text.append(
            f"| {kind} | {len(one)} | {np.median(gap):.0%} | {np.mean(gap < 0.2):.0%} | {np.median(one) - 1:+.0%} |"
        )
    text += [
        "",
        "The least time of an exchange (50 and 55 µs) was set after seeing these disaggregated rows. The form of the "
        "exchange (every expert's copy over the network card) was chosen knowing the published decoding rows; no "
        "constant was fitted to them.",
        "",
    ]
    return text
