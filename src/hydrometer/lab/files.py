"""Models and checkpoints on disk: safetensors, JSON and nothing that can run.

A checkpoint is a folder that is written beside its place and renamed: it is there whole or not at all, whatever kills
the run. The one before stays until the next is complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hydrometer.errors import InputError, OutputError
from hydrometer.lab import ranks
from hydrometer.lab.network import Network
from hydrometer.store.files import decode_utf8, read_bytes

WEIGHTS, MTP, OPTIMISER, STATE = "model.safetensors", "mtp.safetensors", "optimiser.safetensors", "state.json"
CONFIG, TOKENIZER = "config.json", "tokenizer.json"
# The newest, and the one before it should the newest turn out damaged.
_KEPT = 2
_LARGEST_JSON = 64 * 1024**2
# safetensors' own cap.
_LARGEST_HEADER = 100 * 1024**2
_PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}


@contextlib.contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """Gives a folder to write in; it takes the place when all went well, and is gone otherwise.

    Raises:
        OutputError: if it cannot be written, as on a full disk; what was at the place is still there.
    """
    fresh = place.with_name(f".{place.name}.{os.getpid()}.partial")
    old = place.with_name(f".{place.name}.{os.getpid()}.old")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        yield fresh
        for file in fresh.iterdir():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
        if place.exists():
            place.rename(old)
        fresh.rename(place)
    except OSError as error:
        raise OutputError(f"{place}: cannot be written ({error.strerror or error}); free some space") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Writes tensors as safetensors and returns the file's SHA-256."""
    from safetensors.torch import save

    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Returns the tensors of a safetensors file. Anything else, a pickle above all, is refused unread.

    Raises:
        InputError: naming the file and what to do.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if path.suffix in _PICKLES:
        raise _pickle(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror})", cure=f"a model's folder holds {CONFIG}, {WEIGHTS} and {TOKENIZER}",
            where=str(path),
        ) from None  # fmt: skip
    # Zip archives (torch.save) and bare pickles (protocol byte 0x80, which as a length would be a header beyond the
    # cap).
    if start[:2] == b"PK" or (start[:1] == b"\x80" and int.from_bytes(start, "little") > _LARGEST_HEADER):
        raise _pickle(path)
    try:
        tensors: dict[str, Tensor] = load_file(path)
        return tensors
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"no safetensors file ({error})", cure="train it again", where=str(path)) from None


def _pickle(path: Path) -> InputError:
    return InputError(
        "a pickle, which can run any program: refused",
        cure="convert it to safetensors where you trust it",
        where=str(path),
    )


def read_json(path: Path) -> dict[str, Any]:
    """Returns a JSON object.

    Raises:
        InputError: if the file holds none.
    """
    text = decode_utf8(read_bytes(path, limit=_LARGEST_JSON, what=path.name), where=str(path))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", cure="train it again", where=str(path)) from None
    if not isinstance(value, dict):
        raise InputError("no JSON object", cure="train it again", where=str(path))
    return value


def weights_of(model: Network) -> dict[str, Tensor]:
    """Returns a model's weights and routing biases, a tied head once."""
    tied = bool(model.config.tie_word_embeddings)
    return {k: v for k, v in model.lm.state_dict().items() if not (tied and k == "lm_head.weight")}


def gathered(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns tensors whole and on the CPU, gathered from all processes where they are sharded."""
    return {name: ranks.whole(tensor.detach()).cpu() for name, tensor in tensors.items()}


def put_weights(model: Network, weights: Mapping[str, Tensor], *, where: str) -> None:
    """Puts weights into a model.

    Raises:
        InputError: if names or shapes are another network's.
    """
    wanted = weights_of(model)
    _same_shape(wanted, weights, where)
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(ranks.like(tensor, weights[name]))


def _same_shape(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], where: str) -> None:
    for name in sorted(set(wanted) | set(given)):
        if name not in given or name not in wanted:
            what = "is missing" if name not in given else "is not of this network"
            raise InputError(
                f"a checkpoint of another shape: '{name}' {what}", cure="use the recipe that it was made with",
                where=where,
            )  # fmt: skip
        if wanted[name].shape != given[name].shape:
            raise InputError(
                f"a checkpoint of another shape: '{name}' is {tuple(given[name].shape)}, "
                f"the recipe's network has {tuple(wanted[name].shape)}",
                cure="use the recipe that it was made with", where=where,
            )  # fmt: skip


def save_model(folder: Path, model: Network, tokenizer: Any, *, half: bool = False) -> None:
    """Writes a model's folder: configuration, weights, tokenizer; what transformers' `from_pretrained` reads.

    Args:
        folder: exists.
        model: the network.
        tokenizer: of tokenizers.
        half: write bf16.
    """
    kind = torch.bfloat16 if half else torch.float32
    model.config.architectures = [type(model.lm).__name__]
    (folder / CONFIG).write_text(model.config.to_json_string(use_diff=False), encoding="utf-8")
    # Routers stay in fp32, as DeepSeek-V3 keeps its gating modules (arXiv:2412.19437, section 3.3.1).
    tensors = {k: v if "gate.weight" in k or "bias" in k else v.to(kind) for k, v in weights_of(model).items()}
    write_tensors(folder / WEIGHTS, tensors)
    if model.mtp is not None and not half:
        write_tensors(folder / MTP, model.mtp.state_dict())
    tokenizer.save(str(folder / TOKENIZER))


def load_model(folder: Path) -> tuple[Network, Any]:
    """Returns a network in fp32 and its tokenizer from a model's folder.

    Raises:
        InputError: if a file is missing, no safetensors, or of another shape.
    """
    from transformers import DeepseekV3Config, LlamaConfig

    from hydrometer.lab.corpus import read_tokenizer

    values = read_json(folder / CONFIG)
    kinds = {"deepseek_v3": DeepseekV3Config, "llama": LlamaConfig}
    kind = kinds.get(str(values.get("model_type")))
    if kind is None:
        raise InputError(
            f"model_type '{values.get('model_type')}' is not of the lab", cure="known: " + ", ".join(kinds),
            where=str(folder / CONFIG),
        )  # fmt: skip
    tensors = read_tensors(folder / WEIGHTS)
    try:
        config = kind(**{k: v for k, v in values.items() if k != "model_type"})
        has_mtp = (folder / MTP).exists()
        if not has_mtp and kind is DeepseekV3Config:
            config.num_mtp_layers = 0
        model = Network(config)
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"no usable network: {error}", cure="train it again", where=str(folder / CONFIG)) from None
    put_weights(model, {k: v.float() for k, v in tensors.items()}, where=str(folder / WEIGHTS))
    if has_mtp and model.mtp is not None:
        weights = read_tensors(folder / MTP)
        _same_shape(model.mtp.state_dict(), weights, str(folder / MTP))
        model.mtp.load_state_dict(weights)
    return model, read_tokenizer(folder / TOKENIZER)


def save_checkpoint(folder: Path, model: Network, optimiser: Any, state: dict[str, Any]) -> None:
    """Writes one checkpoint whole, then drops all but the newest two.

    Args:
        folder: of the run's checkpoints.
        model: the network.
        optimiser: AdamW over the model's named parameters.
        state: what else a run needs to go on; `step` names the checkpoint.

    Raises:
        OutputError: if the disk is full; the checkpoint before it is still there.
    """
    place = folder / f"step-{state['step']:08d}"
    kept = {WEIGHTS: gathered(weights_of(model)), OPTIMISER: gathered(_flat(model, optimiser))}
    if model.mtp is not None:
        kept[MTP] = gathered(model.mtp.state_dict())
    if ranks.is_first():
        with whole_folder(place) as fresh:
            hashes = {name: write_tensors(fresh / name, tensors) for name, tensors in kept.items()}
            (fresh / STATE).write_text(json.dumps(state | {"sha256": hashes}), encoding="utf-8")
        for old in _checkpoints(folder)[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    ranks.wait()


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("step-*") if p.is_dir())


def _flat(model: Network, optimiser: Any) -> dict[str, Tensor]:
    return {
        f"{key}/{name}": value
        for name, parameter in model.named_parameters()
        for key, value in optimiser.state.get(parameter, {}).items()
    }


def load_checkpoint(folder: Path, model: Network, optimiser: Any) -> dict[str, Any] | None:
    """Puts the newest whole checkpoint into model and optimiser and returns its state; None where there is none.

    Raises:
        InputError: if it is of another shape, or a file is not what was written.
    """
    found = _checkpoints(folder)
    if not found:
        return None
    place = found[-1]
    state = read_json(place / STATE)
    for name, digest in state.get("sha256", {}).items():
        if hashlib.sha256((place / name).read_bytes()).hexdigest() != digest:
            raise InputError(
                "the file has changed since it was written", cure=f"delete {place}: the one before will serve",
                where=str(place / name),
            )  # fmt: skip
    put_weights(model, read_tensors(place / WEIGHTS), where=str(place / WEIGHTS))
    if model.mtp is not None:
        weights = read_tensors(place / MTP)
        wanted = model.mtp.state_dict()
        _same_shape(wanted, weights, str(place / MTP))
        with torch.no_grad():
            for name, tensor in wanted.items():
                tensor.copy_(ranks.like(tensor, weights[name]))
    parameters = dict(model.named_parameters())
    for key, value in read_tensors(place / OPTIMISER).items():
        kind, _, name = key.partition("/")
        if name not in parameters:
            raise InputError(f"'{name}' is not of this network", cure="delete the checkpoint", where=str(place))
        parameter = parameters[name]
        optimiser.state[parameter][kind] = (
            value if kind == "step" else ranks.like(parameter, value.to(parameter.device))
        )  # fmt: skip
    return state
