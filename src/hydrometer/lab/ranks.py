"""Several processes for one model, as `torchrun` starts them: parameters, gradients and moments sharded (FSDP2).

    torchrun --no-python --nproc-per-node 2 hydrometer lab train recipe.toml --out DIR

Every process reads its part of every batch; only the first writes. Without `torchrun` all of this does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from hydrometer.errors import InputError

_LAYERS = ["DeepseekV3DecoderLayer", "LlamaDecoderLayer"]


def count() -> int:
    """Returns how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Returns whether this process writes."""
    return os.environ.get("RANK", "0") == "0"


def device_of(device: str) -> str:
    """Returns the device of this process: one GPU each where the recipe says `cuda`."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if count() > 1 and device == "cuda" else device


def part_of(batch: Tensor, *, where: str) -> Tensor:
    """Returns this process's rows of a batch.

    Raises:
        InputError: if the batch cannot be cut into equal parts.
    """
    n = count()
    if len(batch) % n:
        raise InputError(
            f"a batch of {len(batch)} cannot be cut into {n} equal parts",
            cure="make `batch` a multiple of the processes",
            where=where,
        )
    return batch.chunk(n)[int(os.environ.get("RANK", "0"))] if n > 1 else batch


@contextmanager
def together(device: str) -> Iterator[None]:
    """Lets the processes find each other, and part in order."""
    if count() == 1:
        yield
        return
    import torch.distributed as dist

    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def shard(model: nn.Module, layers: Iterable[nn.Module]) -> None:
    """Shards a model in place, layer by layer; an optimiser made afterwards holds moments of the shards only.

    By torch's `fully_shard` itself: accelerate 1.15 leaves FSDP out on processors without a word, so that what is
    tested there would not be what runs on GPUs.
    """
    if count() == 1:
        return
    from torch.distributed.fsdp import fully_shard

    # Layer by layer: only one layer's parameters are whole at a time.
    for layer in layers:
        fully_shard(layer)
    fully_shard(model)


def whole(tensor: Tensor) -> Tensor:
    """Returns a tensor from all its shards; every process must ask."""
    gather = getattr(tensor, "full_tensor", None)
    found: Tensor = gather() if gather is not None else tensor
    return found


def like(target: Tensor, value: Tensor) -> Tensor:
    """Returns a whole tensor sharded as another is."""
    mesh = getattr(target, "device_mesh", None)
    if mesh is None or value.ndim == 0:
        return value
    from torch.distributed.tensor import distribute_tensor

    found: Tensor = distribute_tensor(value.to(target.device), mesh, target.placements)
    return found


def total(value: float | Tensor) -> Any:
    """Returns the sum over all processes, a number for a number, a tensor for a tensor."""
    if count() == 1:
        return value
    import torch.distributed as dist

    summed = value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)
    summed = summed.to("cuda" if dist.get_backend() == "nccl" else "cpu")
    dist.all_reduce(summed)
    return summed if isinstance(value, Tensor) else float(summed)


def wait() -> None:
    """Waits for all processes."""
    if count() > 1:
        import torch.distributed as dist

        dist.barrier()
