"""Opens a target by the name or the address that a person gives."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from hydrometer.errors import InputError
from hydrometer.records.exchange import Target
from hydrometer.targets.weights import EMBEDDED


def open_target(name: str, *, model: str | None = None, **endpoint: object) -> Target:
    """Returns the target that a name stands for; sends nothing.

    Args:
        name: `http(s)://...` (OpenAI-compatible), `replay:FILE` (stored answers), `smollm2` or `gemma3-270m`
            (embedded), a `.gguf` file or a folder of safetensors, `hf:NAME`, or `inspect:PROVIDER/MODEL`.
        model: the subject's name; compulsory for an address.
        **endpoint: see `EndpointOptions`; of these, Inspect takes the `timeout`.

    Raises:
        InputError: if it stands for nothing, or a package for it is missing.
    """
    if name.startswith(("http://", "https://")):
        from hydrometer.targets.endpoint import Endpoint, EndpointOptions

        if model is None:
            raise InputError("the endpoint may serve many models", cure="name one with --model", where="--model")
        return Endpoint(name, model=model, options=EndpointOptions(**endpoint))  # type: ignore[arg-type]
    if name.startswith("replay:"):
        return _replay(Path(name.removeprefix("replay:")), model)
    if name.startswith("inspect:"):
        return _opened("inspect_target", "open_inspect", "inspect", name.removeprefix("inspect:"), model, **endpoint)
    if name in EMBEDDED or name.startswith("hf:") or name.endswith(".gguf") or Path(name).is_dir():
        return _opened("checkpoint", "open_checkpoint", "local", name, model)
    raise InputError(
        "this is no target",
        cure=f"give http(s)://HOST/v1, {', '.join(EMBEDDED)}, a .gguf file, a folder of safetensors, hf:NAME, "
        "inspect:PROVIDER/MODEL or replay:FILE",
        where=name,
    )


def _replay(path: Path, model: str | None) -> Target:
    from hydrometer.store.responses import read_responses
    from hydrometer.targets.replay import Replay

    frame = read_responses(path, model=model).frame
    models = frame["model"].unique().sort().to_list()
    chosen = model if model is not None else models[0]
    if chosen not in models or (model is None and len(models) > 1):
        raise InputError(
            f"the file holds {len(models):,} models", cure=f"name one with --model, as {models[0]}", where=str(path)
        )
    rows = frame.filter((frame["model"] == chosen) & frame["response"].is_not_null())
    return Replay(dict(zip(rows["prompt"], rows["response"], strict=True)), model=chosen)


def _opened(module: str, function: str, extra: str, name: str, model: str | None, **more: object) -> Target:
    """Opens a target whose packages may be missing."""
    try:
        opener: Callable[..., Target] = getattr(import_module(f"hydrometer.targets.{module}"), function)
        return opener(name, model=model, **more)
    except ImportError as error:
        raise InputError(
            f"a package for this kind of target is missing ({error.name})",
            cure=f"pip install 'hydrometer[{extra}]'",
            where=name,
        ) from None
