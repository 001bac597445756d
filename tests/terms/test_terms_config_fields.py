"""What a config.json may hold: kinds of values, bounds, and the lines that refuse them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hydrometer.errors import InputError
from hydrometer.store.configs import KNOWN_FAMILIES, read, read_config
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.parts import n_layers, sparse_layers, window, windows

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 60,
    "intermediate_size": 37,
    "num_hidden_layers": 5,
    "num_attention_heads": 6,
    "vocab_size": 101,
    "tie_word_embeddings": False,
}
LLAMA_PARAMETERS = 2 * 101 * 60 + 5 * (4 * 60 * 60 + 3 * 60 * 37 + 2 * 60) + 60


def fields(**values: Any) -> Fields:
    return Fields(values, "config.json")


def written(path: Path, content: Any) -> Path:
    file = path / "config.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_numbers_up_to_a_thousand_million() -> None:
    assert fields(n=1).count("n") == 1
    assert fields(n=10**9).count("n") == 10**9
    assert fields(n=0).count("n", least=0) == 0
    assert fields(n=-1).count("n", least=-1) == -1
    message = "must be a whole number from 1 to 1,000,000,000, this is "
    for value, shown in [(0, "0"), (10**9 + 1, "1000000001"), (True, "True"), (2.0, "2.0"), ("2", "'2'")]:
        with pytest.raises(InputError, match=rf"config.json n: {message}{shown};"):
            fields(n=value).count("n")
    with pytest.raises(InputError, match="whole number from 0 to 1,000,000,000, this is -1;"):
        fields(n=-1).count("n", least=0)


def test_the_first_key_that_is_there_counts() -> None:
    both = fields(a=None, b=7, c=11)
    assert both.count("a", "b", "c") == 7
    assert both.count("c", "b") == 11
    assert both.count("a", default=5) == 5
    assert both.maybe("a") is None
    assert both.maybe("a", "c") == 11
    assert fields(a=0, b=7).count("a", "b", least=0) == 0
    with pytest.raises(InputError, match=r"config.json: 'x' is missing; a config.json of model_type 'llama' states it"):
        Fields(LLAMA, "config.json").count("x", "y")
    with pytest.raises(InputError, match=r"config.json text_config.: 'x' is missing"):
        Fields(LLAMA, "config.json", "text_config.").count("x", "y")
    with pytest.raises(InputError, match=r"config.json text_config.vocab_size: must be true or false"):
        Fields(LLAMA, "config.json", "text_config.").flag("vocab_size")


def test_flags() -> None:
    assert fields().flag("f") is False
    assert fields().flag("f", default=True) is True
    assert fields(f=None).flag("f", default=True) is True
    assert fields(f=False).flag("f", default=True) is False
    assert fields(f=True).flag("f") is True
    for value in (0, 1, "true", []):
        with pytest.raises(InputError, match="must be true or false, this is"):
            fields(f=value).flag("f")


def test_texts() -> None:
    assert fields(t="M*").text("t") == "M*"
    assert fields().text("t", default="") == ""
    with pytest.raises(InputError, match="'t' is missing"):
        fields().text("t")
    with pytest.raises(InputError, match="must be text, this is 3"):
        fields(t=3).text("t")


@pytest.mark.parametrize("kind", ["count", "flag", "text"])
def test_a_long_value_is_shown_in_forty_characters(kind: str) -> None:
    fitting, long = list(range(10, 20)), [*range(10, 19), 100]
    assert (len(repr(fitting)), len(repr(long))) == (40, 41)
    with pytest.raises(InputError) as error:
        getattr(fields(k=fitting), kind)("k")
    assert f"this is {fitting!r};" in str(error.value)
    with pytest.raises(InputError) as error:
        getattr(fields(k=long), kind)("k")
    assert f"this is {repr(long)[:39]}…;" in str(error.value)


def test_a_refused_value_is_shown_in_sixty_characters() -> None:
    fitting, long = "a" * 58, "a" * 59
    assert f"why ({fitting!r});" in str(fields(k=fitting).refuse("k", "why"))
    assert f"why ({repr(long)[:59]}…);" in str(fields(k=long).refuse("k", "why"))


def test_lists_with_an_entry_for_every_layer() -> None:
    assert fields(k=[1, 2, 3]).items("k", length=3) == [1, 2, 3]
    assert fields(k=None).items("k", length=3) is None
    with pytest.raises(InputError, match="one entry for each of 3 layers, this is 2 entries"):
        fields(k=[1, 2]).items("k", length=3)
    with pytest.raises(InputError, match="one entry for each of 3 layers, this is 4 entries"):
        fields(k=[1, 2, 3, 4]).items("k", length=3)
    with pytest.raises(InputError, match="one entry for each of 3 layers, this is no list"):
        fields(k="abc").items("k", length=3)


def test_lists_of_whole_numbers() -> None:
    assert fields(k=[3, -1]).numbers("k") == [3, -1]
    assert fields(k=None).numbers("k") == []
    for value in (3, "34", [1, True], [1, 2.0], [None]):
        with pytest.raises(InputError, match=r"config.json k: must be a list of whole numbers"):
            fields(k=value).numbers("k")


def test_objects_inside_name_where_they_lie() -> None:
    outer = Fields({"ffn_config": {"deep": {"n": -3}}, "list": []}, "config.json")
    inner = outer.part("ffn_config")
    assert inner is not None
    deep = inner.part("deep")
    assert deep is not None
    with pytest.raises(InputError, match=r"config.json ffn_config.deep.n: must be a whole number"):
        deep.count("n")
    assert outer.part("list") is None
    assert outer.part("none") is None
    assert Fields({"model_type": 3}, "x").model_type == ""


def test_at_most_ten_thousand_layers() -> None:
    assert n_layers(fields(n_layer=10_000)) == 10_000
    with pytest.raises(InputError, match=r"config.json n_layer: more than 10,000 layers \(10001\)"):
        n_layers(fields(num_hidden_layers=None, n_layer=10_001))


def test_which_layers_slide() -> None:
    five = {"num_hidden_layers": 5, "sliding_window": 13}
    assert window(fields(**five)) == 13
    assert window(fields(attention_chunk_size=17)) == 17
    assert windows(fields(**five)) == [None] * 5
    assert windows(fields(**five), everywhere=True) == [13] * 5
    assert windows(fields(**five), every=2) == [13, None, 13, None, 13]
    assert windows(fields(**five), every=1) == [None] * 5
    kinds = ["sliding_attention", "chunked_attention", "sliding_window", "full_attention", "attention"]
    assert windows(fields(**five, layer_types=kinds), everywhere=True) == [13, 13, 13, None, None]


def test_which_layers_are_mixtures() -> None:
    five = fields(num_hidden_layers=5)
    assert sparse_layers(five) == [True] * 5
    assert sparse_layers(five, first_dense=2) == [False, False, True, True, True]
    assert sparse_layers(five, every=2) == [False, True, False, True, False]
    assert sparse_layers(five, dense=[0, 3]) == [False, True, True, False, True]
    assert sparse_layers(five, first_dense=2, every=2, dense=[3]) == [False] * 5


def test_a_file_or_its_folder(tmp_path: Path) -> None:
    file = written(tmp_path, LLAMA)
    assert read_config(file) == read_config(tmp_path)
    assert read_config(file).total_parameters() == LLAMA_PARAMETERS


def test_files_up_to_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, LLAMA)
    size = file.stat().st_size
    for limit in (size, size + 1):
        monkeypatch.setattr(read, "_LARGEST", limit)
        assert read_config(file).total_parameters() == LLAMA_PARAMETERS
    monkeypatch.setattr(read, "_LARGEST", size - 1)
    with pytest.raises(InputError, match=r"config.json"):
        read_config(file)


def test_four_million_bytes_are_read(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    text = json.dumps(LLAMA)
    file.write_text(text + " " * (4_000_000 - len(text)), encoding="utf-8")
    assert read_config(file).total_parameters() == LLAMA_PARAMETERS
    file.write_text(text + " " * (4_000_001 - len(text)), encoding="utf-8")
    with pytest.raises(InputError, match=r"config.json"):
        read_config(file)


def test_the_language_network_of_a_model_with_several(tmp_path: Path) -> None:
    inner = {k: v for k, v in LLAMA.items() if k not in {"vocab_size", "tie_word_embeddings"}}
    outer = {"model_type": "any_vlm", "vocab_size": 101, "tie_word_embeddings": True}
    for key in ("text_config", "llm_config"):
        found = read_config(written(tmp_path, outer | {key: inner}))
        assert found.total_parameters() == LLAMA_PARAMETERS - 101 * 60
    # What the inner object says goes before what the outer says.
    both = read_config(written(tmp_path, outer | {"text_config": LLAMA}))
    assert both.total_parameters() == LLAMA_PARAMETERS
    # Without a family of its own it is the outer's, as text.
    nameless = {k: v for k, v in LLAMA.items() if k != "model_type"}
    found = read_config(written(tmp_path, {"model_type": "mistral3", "text_config": nameless}))
    assert found.total_parameters() == LLAMA_PARAMETERS
    # A language model may carry such an object beside its own keys; its own count.
    found = read_config(written(tmp_path, LLAMA | {"text_config": {"hidden_size": 7}}))
    assert found.total_parameters() == LLAMA_PARAMETERS
    with pytest.raises(InputError, match=r"text_config.: 'num_attention_heads' is missing"):
        read_config(written(tmp_path, outer | {"text_config": {"model_type": "llama", "num_hidden_layers": 5}}))


def test_a_mixture_may_carry_an_object_beside_its_own_keys(tmp_path: Path) -> None:
    mixture = LLAMA | {"model_type": "mixtral", "num_local_experts": 7, "num_experts_per_tok": 2}
    found = read_config(written(tmp_path, mixture | {"text_config": {"hidden_size": 7}}))
    assert found == read_config(written(tmp_path, mixture))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "holds no JSON object; name a checkpoint's config.json"),
        ("{", "not JSON: "),
        ("[" * 100_000, "nested too deeply"),
        ("{}", "'model_type' is missing"),
        ('{"model_type": 3}', "'model_type' is missing"),
        ('{"model_type": "lama"}', "model_type 'lama' is not known.*near it: llama, "),
        (
            '{"model_type": "§§§§"}',
            rf"{len(KNOWN_FAMILIES)} families are known: docs/training_cost.md; or give --total-params",
        ),
        ('{"model_type": "' + "§" * 60 + '"}', "model_type '" + "§" * 60 + "' is not known"),
        ('{"model_type": "' + "§" * 61 + '"}', "model_type '" + "§" * 59 + "…' is not known"),
    ],
)
def test_what_is_no_config_of_a_known_family(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_config(tmp_path)


def test_three_near_names_are_offered(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"near it: (\w+), (\w+), (\w+); or give"):
        read_config(written(tmp_path, {"model_type": "qwen"}))
