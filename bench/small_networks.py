"""Small networks of every family, counted layer by layer by transformers' own classes.

python bench/small_networks.py             # this project's counts beside those stored in bench/small_networks.json
python bench/small_networks.py --recount   # builds every network without weights (needs torch and transformers)

The sizes are made up so that no two terms of a count are alike. Every family is counted as its file has it, and with
keys changed or left out, so that flags, defaults and the order of layers are seen one by one. The counts are what
transformers 5.24 builds: independent of this project's formulas.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hydrometer.costs.architecture import Architecture
from hydrometer.costs.mixers import GroupedQuery
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.read import architecture_of

FILE = Path(__file__).with_name("small_networks.json")
_USED = ("num_experts_per_tok", "moe_k", "moe_topk", "moe_top_k")


@dataclass(frozen=True)
class Counted:
    """What one network holds.

    Attributes:
        layers: weights of every layer in order; routing biases, which balance and are not trained, left out.
        outside: weights outside the layers: embeddings, head, last norm.
        active: weights that one token passes through, with all embeddings.
        windows: sliding window of every layer, null where it attends to everything or not at all.
    """

    layers: list[int]
    outside: int
    active: int
    windows: list[int | None]


@dataclass(frozen=True)
class Small:
    """One network of the file: its name, its configuration, and transformers' counts."""

    name: str
    config: dict[str, Any]
    reference: Counted


def rows() -> list[Small]:
    """Returns every network of bench/small_networks.json."""
    found = []
    for family, entry in json.loads(FILE.read_text(encoding="utf-8")).items():
        for row in entry["counted"]:
            change, left_out = row.get("change", {}), row.get("without", [])
            config = {"model_type": family, **entry["config"], **change}
            for key in left_out:
                del config[key]
            changes = [f"{key}={json.dumps(value)}" for key, value in change.items()]
            name = " ".join([family, *changes, *(f"without {key}" for key in left_out)])
            counts = {key: row[key] for key in ("layers", "outside", "active")}
            windows = row.get("windows") or [None] * len(row["layers"])
            found.append(Small(name, config, Counted(**counts, windows=windows)))
    return found


def counted_here(architecture: Architecture) -> Counted:
    """Returns this project's counts."""
    d = architecture.hidden_size
    layers: list[int] = []
    windows: list[int | None] = []
    for layer, n in architecture.layers:
        layers += [layer.matmul_parameters(d, active=False) + layer.other_parameters(d)] * n
        first = layer.mixers[0] if layer.mixers else None
        windows += [first.window if isinstance(first, GroupedQuery) else None] * n
    outside = architecture.total_parameters() - sum(layers)
    return Counted(layers, outside, architecture.active_parameters()["with_both_embeddings"], windows)


def recount(config: dict[str, Any]) -> Counted:
    """Returns the counts of the network that transformers builds from a configuration, without weights."""
    import torch
    import transformers

    options = copy.deepcopy(config)
    built = transformers.AutoConfig.for_model(options.pop("model_type"), **options)
    with torch.device("meta"):
        network = transformers.AutoModelForCausalLM.from_config(built)
    layers: dict[int, int] = {}
    outside = unused = 0
    flat = {**config, **config.get("ffn_config", {})}
    used = next((flat[key] for key in _USED if key in flat), 0)
    for name, weights in network.named_parameters():
        if "e_score_correction" in name:
            continue
        if place := re.search(r"\.(?:layers|h|blocks)\.(\d+)\.", name):
            layers[int(place[1])] = layers.get(int(place[1]), 0) + weights.numel()
        else:
            outside += weights.numel()
        if re.search(r"\.experts\.|block_sparse_moe\.(in|out)put_linear", name) and "bias" not in name:
            unused += weights.numel() - _passed_through(flat, weights.numel(), used)
    listed = [layers[i] for i in range(len(layers))]
    return Counted(listed, outside, sum(listed) + outside - unused, _windows(built.get_text_config(), len(listed)))


def _passed_through(config: dict[str, Any], stored: int, used: int | list[int]) -> int:
    n = next(
        config[k] for k in ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts") if k in config
    )
    return stored // n * (used[0] if isinstance(used, list) else used)


def _windows(config: Any, n_layers: int) -> list[int | None]:
    if kinds := getattr(config, "attention_layers", None):
        return [config.window_size if kind == "local" else None for kind in kinds]
    span = getattr(config, "sliding_window", None) or getattr(config, "attention_chunk_size", None)
    kinds = getattr(config, "layer_types", None) or ["sliding_attention"] * n_layers
    return [span if kind in {"sliding_attention", "chunked_attention"} else None for kind in kinds]


def main() -> None:
    """Prints what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recount", action="store_true", help="count with transformers and compare with the stored")
    again = parser.parse_args().recount
    known = rows()
    differing = 0
    for row in known:
        found = recount(row.config) if again else counted_here(architecture_of(Fields(row.config, row.name)))
        if found != row.reference:
            differing += 1
            print(f"{row.name}: {asdict(found)}, stored {asdict(row.reference)}")
    print(f"{len(known) - differing} of {len(known)} networks alike")


if __name__ == "__main__":
    main()
