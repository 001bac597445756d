"""Architectures from config.json: counts against transformers', and hostile files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrometer.costs.flop import forward_flop_per_token, packed_length, training_flop_per_token
from hydrometer.errors import InputError
from hydrometer.store.configs import KNOWN_FAMILIES, read_config
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.read import architecture_of
from parameter_counts import FILE, Row, rows

CHECKPOINTS: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
LLAMA = CHECKPOINTS["Llama-3.1-8B"]["config"]


def architecture(name: str) -> Any:
    return architecture_of(Fields(CHECKPOINTS[name]["config"], name))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_parameters_are_those_that_transformers_builds(row: Row) -> None:
    assert row.gap is None or abs(row.gap) < 1e-6


def test_the_docs_name_every_known_family() -> None:
    text = (Path(__file__).parent.parent / "docs/training_cost.md").read_text(encoding="utf-8")
    assert [name for name in KNOWN_FAMILIES if f"`{name}`" not in text] == []


def test_most_known_families_are_checked() -> None:
    assert len({row.family for row in rows()}) >= 50
    assert len(KNOWN_FAMILIES) >= 60


@pytest.mark.parametrize(
    ("name", "length", "causal", "gflop"),
    [
        # TFLOP/s over tokens/s of NVIDIA Megatron-Bridge's performance tables, causal.
        ("DeepSeek-V3", 4096, True, 259.8),
        ("Kimi-K2", 4096, True, 204.43),
        ("Qwen3-235B-A22B", 4096, True, 147.9),
        ("Qwen3-30B-A3B", 4096, True, 22.96),
        ("Llama-3.1-70B", 8192, True, 448.8),
        ("Llama-3.1-70B", 4096, True, 432.5),
        ("Llama-3.1-405B", 8192, True, 2521.4),
        # MosaicML llm-foundry's benchmarking README, attention counted in full.
        ("MPT-7B", 2048, False, 43.06),
        ("MPT-7B", 16384, False, 65.9),
    ],
)
def test_flop_per_token_are_those_of_published_tables(name: str, length: int, causal: bool, gflop: float) -> None:
    found = training_flop_per_token(architecture(name), sequence_length=length, causal=causal)
    assert found / 1e9 == pytest.approx(gflop, rel=0.01)


def test_cache_bytes_are_those_of_the_papers() -> None:
    # DeepSeek-V3's latent: (512 + 64) values in 61 layers at 2 bytes; Llama 3.1 405B: 2·8·128 in 126 layers.
    assert architecture("DeepSeek-V3").cache_bytes_per_token() == 70_272
    assert architecture("Llama-3.1-405B").cache_bytes_per_token() == 516_096
    # A sliding window keeps no more than the window; a recurrence keeps nothing that grows.
    assert architecture("Mistral-7B-v0.1").cache_bytes_per_token() == 0
    assert architecture("Mamba-2.8B").cache_bytes_per_token() == 0
    assert architecture("Mamba-2.8B").cache_bytes(10) == architecture("Mamba-2.8B").cache_bytes(10_000) > 0


@given(st.sampled_from(sorted(CHECKPOINTS)), st.integers(1, 10**6))
def test_full_attention_recompute_and_length_only_add(name: str, length: int) -> None:
    network = architecture(name)
    causal = training_flop_per_token(network, sequence_length=length)
    assert causal <= training_flop_per_token(network, sequence_length=length, causal=False)
    assert causal <= training_flop_per_token(network, sequence_length=length + 1)
    again = training_flop_per_token(network, sequence_length=length, recompute=True)
    assert again == pytest.approx(causal * 4 / 3)
    assert forward_flop_per_token(network, sequence_length=length, include_mtp=True) == pytest.approx(causal / 3)


def test_packed_documents_cost_their_own_lengths() -> None:
    assert packed_length([4096]) == 4096
    assert packed_length([1024] * 4) == 1024
    assert packed_length([3000, 1000]) == 2500
    with pytest.raises(ValueError, match="positive"):
        packed_length([])


def without(key: str) -> dict[str, Any]:
    return {k: v for k, v in LLAMA.items() if k != key}


BAD: dict[str, tuple[Any, str]] = {
    "missing key": (without("hidden_size"), "'hidden_size' is missing"),
    "text for a number": (LLAMA | {"hidden_size": "4096"}, "whole number"),
    "negative layers": (LLAMA | {"num_hidden_layers": -3}, "whole number"),
    "a layer count that would fill the memory": (LLAMA | {"num_hidden_layers": 10**9}, "more than 10,000 layers"),
    "a boolean for a number": (LLAMA | {"vocab_size": True}, "whole number"),
    "huge": (LLAMA | {"vocab_size": 10**30}, "whole number"),
    "heads that do not divide": (LLAMA | {"num_key_value_heads": 5}, "cannot share"),
    "a flag that is text": (LLAMA | {"tie_word_embeddings": "no"}, "true or false"),
    "unknown family": (LLAMA | {"model_type": "llamma"}, "near it: llama"),
    "no family": (without("model_type"), "'model_type' is missing"),
    "no object": ([1, 2], "no JSON object"),
    "layer kinds of another length": (
        CHECKPOINTS["Granite-4.0-H-Small"]["config"] | {"layer_types": ["mamba"]},
        "one entry for each of 40 layers",
    ),
    "unknown kind of layer": (
        CHECKPOINTS["Nemotron-Nano-9B-v2"]["config"] | {"hybrid_override_pattern": "M-X"},
        "unknown kind 'X'",
    ),
    "more experts used than there are": (
        CHECKPOINTS["Mixtral-8x7B"]["config"] | {"num_experts_per_tok": 9},
        "9 experts a token of 8",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_config_gets_one_line(name: str, tmp_path: Path) -> None:
    content, message = BAD[name]
    file = tmp_path / "config.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        read_config(tmp_path)
    assert "\n" not in str(error.value)
    assert str(file) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"NaN"])
def test_what_is_no_json_object_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(InputError):
        read_config(tmp_path / "config.json")


scalars = st.none() | st.booleans() | st.integers(-5, 10**10) | st.floats() | st.text(max_size=5)
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.just("model_type"), scalars)


@given(st.sampled_from(sorted(CHECKPOINTS)), st.data())
def test_any_damaged_config_is_counted_or_refused(name: str, data: st.DataObject) -> None:
    config = dict(CHECKPOINTS[name]["config"])
    for key in data.draw(st.lists(st.sampled_from(sorted(config)), max_size=3, unique=True)):
        config[key] = data.draw(values)
    try:
        assert architecture_of(Fields(config, "x")).total_parameters() > 0
    except InputError as error:
        assert "\n" not in str(error)


def test_both_spellings_of_hybrid_layers_count_alike() -> None:
    config = dict(CHECKPOINTS["Nemotron-3-Super-120B-A12B"]["config"])
    letters = {"M": "mamba", "*": "attention", "E": "moe", "-": "mlp"}
    spelt = config | {"layers_block_type": [letters[c] for c in config.pop("hybrid_override_pattern")]}
    spelt |= {"mtp_layers_block_type": ["attention", "moe"], "hybrid_override_pattern": None}
    spelt.pop("mtp_hybrid_override_pattern")
    found = architecture_of(Fields(spelt, "x"))
    assert found == architecture("Nemotron-3-Super-120B-A12B")
    assert len(found.mtp_layer_kinds) == 2


def test_the_language_network_of_a_model_that_sees_is_counted(tmp_path: Path) -> None:
    inner = {k: v for k, v in CHECKPOINTS["Gemma-3-1B"]["config"].items() if k != "model_type"}
    whole = {"model_type": "gemma3", "text_config": inner, "vision_config": {"hidden_size": 1152}}
    (tmp_path / "config.json").write_text(json.dumps(whole), encoding="utf-8")
    assert read_config(tmp_path).total_parameters() == 999_885_952
