"""Asks local weights through transformers: batched, with log-probabilities, and scores given texts."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hydrometer.errors import InputError, printable
from hydrometer.records.exchange import Capabilities, Fault, Reply, Request, Target
from hydrometer.records.responses import ResponseStatus
from hydrometer.targets.generation import ends, generate
from hydrometer.targets.weights import CACHE, Weights, find_weights

# By hand, 2026-11-26: 32 prompts in a batch give 92 tokens a CPU second, one by one 12
# (docs/benchmarks/local_generation.md).
DEFAULT_BATCH = 64
# By hand, 2026-11-25: against the seconds of a batch it costs nothing.
_PATIENCE = 0.02
"""Seconds that a request waits for others to share its batch."""
# By hand, 2026-11-26: SmolLM2's 135 million gain from a second thread, the lab's models do not.
_SMALL = 20_000_000
"""Parameters below which threads wait for each other longer than they work."""
_CURE = "pip install 'hydrometer[local]' (for PyTorch itself see pytorch.org)"
_WANTED = ["*.safetensors", "*.safetensors.index.json", "*.json", "tokenizer.model", "*.jinja"]


def open_checkpoint(name: str, *, model: str | None = None) -> Target:
    """Returns the target of local weights; loads nothing before the first request.

    Goes through transformers. Only where that is not installed, GGUF files go through llama.cpp (xllamacpp), which
    rounds to 8 bits between the layers and so answers otherwise (docs/benchmarks/local_generation.md).

    Args:
        name: an embedded model, a `.gguf` file, a folder of safetensors, or `hf:NAME` where a hub is reachable.
        model: the subject's name.

    Raises:
        InputError: if the weights cannot be used or a package is missing.
    """
    if name.startswith("hf:"):
        folder = _from_hub(name.removeprefix("hf:"))
        return Checkpoint(find_weights(str(folder)), model=model or name.removeprefix("hf:"))
    weights = find_weights(name)
    whole = all(map(_installed, ("torch", "transformers", "gguf")))
    # Tried: llama.cpp as the default for GGUF; it rounds to 8 bits between layers, and its greedy answers agree with
    # `generate` in 1 of 32. See docs/log.md, 2026-11-25.
    if weights.kind == "gguf" and not whole and _installed("xllamacpp"):
        from hydrometer.targets.llama_cpp import LlamaCpp

        return LlamaCpp(weights, model=model)
    return Checkpoint(weights, model=model)


def _installed(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


def _from_hub(name: str) -> Path:
    if not _installed("huggingface_hub"):
        raise InputError("huggingface_hub is not installed", cure=_CURE, where=f"hf:{name}")
    from huggingface_hub import snapshot_download

    try:
        # Patterns keep pickles and code away: they are not even fetched. The hub's own cache consists of links, which
        # are refused in a checkpoint.
        folder = CACHE / "hub" / name.replace("/", "--")
        return Path(snapshot_download(name, local_dir=folder, allow_patterns=_WANTED))
    except Exception as error:  # the hub's errors share no base with those of its transport
        raise InputError(
            f"cannot be fetched ({printable(type(error).__name__, limit=60)})",
            cure="check the name and the network, or name a local folder",
            where=f"hf:{printable(name, limit=100)}",
        ) from None


class Checkpoint:
    """Weights that transformers loads: safetensors, or GGUF unpacked to full width."""

    def __init__(self, weights: Weights, *, model: str | None = None, batch: int = DEFAULT_BATCH) -> None:
        """Notes what to load.

        Args:
            weights: that were looked at.
            model: the subject's name.
            batch: requests answered together, at most.

        Raises:
            InputError: if torch or transformers is not installed.
        """
        for package in ("torch", "transformers"):
            if not _installed(package):
                raise InputError(f"{package} is not installed", cure=_CURE, where=str(weights.path))
        self._weights = weights
        self._model = model or weights.label
        self._batch = batch
        self._loaded: tuple[Any, Any] | None = None
        self._waiting: list[tuple[Request, asyncio.Future[Reply]]] = []
        self._worker: asyncio.Task[None] | None = None
        # One thread: torch uses all cores itself, and its random numbers are shared.
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")

    @property
    def model(self) -> str:
        """The subject's name."""
        return self._model

    @property
    def identity(self) -> Mapping[str, str]:
        """Kind, name and hash of the weights."""
        return MappingProxyType({"kind": "transformers", "model": self._model, "weights": self._weights.mark})

    @property
    def capabilities(self) -> Capabilities:
        """Costs nothing; answers in batches, and while one is worked on, the next fills."""
        return Capabilities(most_at_once=2 * self._batch, billed=False)

    async def ask(self, request: Request) -> Reply:
        """Returns the reply to one request; requests that wait together are answered together.

        Raises:
            Fault: if the weights cannot be loaded or the prompt is too long.
        """
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())
        return await future

    async def score(self, prompt: str, text: str, *, system: str | None = None) -> tuple[tuple[str, float], ...]:
        """Returns the tokens of a given answer, each with the natural log of its probability after the prompt."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._score, prompt, text, system)

    async def close(self) -> None:
        """Gives back memory and the thread."""
        if self._worker is not None:
            await asyncio.gather(self._worker, return_exceptions=True)
        self._pool.shutdown(wait=True)
        self._loaded = None

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(_PATIENCE)
        while self._waiting:
            first = self._waiting[0][0]
            chosen = [pair for pair in self._waiting if _together(first, pair[0])]
            # Prompts of one length are padded least; the first, which has waited longest, is always among them.
            chosen.sort(key=lambda pair: abs(len(pair[0].prompt) - len(first.prompt)))
            chosen = chosen[: self._batch]
            self._waiting = [pair for pair in self._waiting if pair not in chosen]

            def settle(i: int, found: Reply | Fault, *, futures: Sequence[Any] = [f for _, f in chosen]) -> None:
                loop.call_soon_threadsafe(_settle, futures[i], found)

            try:
                await loop.run_in_executor(self._pool, self._generate, [r for r, _ in chosen], settle)
            except Exception as error:
                fault = error if isinstance(error, Fault) else Fault(printable(error, limit=200), retry=False)
                for _, future in chosen:
                    _settle(future, fault)

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer
            from transformers.utils import logging

            # Its bars would cross the one of the whole run.
            silence: Any = logging.disable_progress_bar
            silence()
            options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
            folder = self._weights.path
            if self._weights.kind == "gguf":
                options["gguf_file"], folder = folder.name, folder.parent
            try:
                weights = {} if self._weights.kind == "gguf" else {"use_safetensors": True}
                with _no_bar_of_unpacking():
                    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
                    # fp32: bf16 without arithmetic of its own is 2.3 to 2.6 times slower on such processors
                    # (docs/log.md, 2026-11-25).
                    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options, **weights)
            except Exception as error:  # a damaged checkpoint raises whatever its loader meets
                raise Fault(f"the weights cannot be loaded ({printable(error, limit=160)})", retry=False) from None
            tokenizer.padding_side = "left"
            if tokenizer.pad_token_id is None:
                tokenizer.pad_token_id = tokenizer.eos_token_id or 0
            if network.num_parameters() < _SMALL:
                torch.set_num_threads(1)
            self._loaded = (tokenizer, network.train(False))
        return self._loaded

    def _prompt(self, tokenizer: Any, prompt: str, system: str | None) -> str:
        if tokenizer.chat_template is None:
            return prompt if system is None else f"{system}\n\n{prompt}"
        turns = [] if system is None else [{"role": "system", "content": system}]
        turns.append({"role": "user", "content": prompt})
        # transformers renders templates in jinja's sandbox.
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    def _generate(self, requests: Sequence[Request], settle: Callable[[int, Reply | Fault], None]) -> None:
        """Answers requests together, and hands over each answer as soon as it has ended."""
        tokenizer, network = self._load()
        texts = [self._prompt(tokenizer, r.prompt, r.system) for r in requests]
        special = tokenizer.chat_template is None
        longest = getattr(network.config, "max_position_embeddings", None)
        lengths = [len(ids) for ids in tokenizer(texts, add_special_tokens=special)["input_ids"]]
        fitting = []
        for i, request in enumerate(requests):
            if longest is not None and lengths[i] + request.max_tokens > longest:
                said = f"prompt and answer are longer than the {longest:,} tokens that the model takes"
                settle(i, Fault(said, retry=False))
            else:
                fitting.append(i)
        if not fitting:
            return
        batch = tokenizer([texts[i] for i in fitting], return_tensors="pt", padding=True, add_special_tokens=special)

        def ended(row: int, tokens: list[int], logs: list[float] | None) -> None:
            i = fitting[row]
            settle(i, self._reply(tokenizer, tokens, logs, n_prompt=lengths[i], most=requests[i].max_tokens))

        wanted = [requests[i] for i in fitting]
        generate(network, batch, wanted, pad=tokenizer.pad_token_id, logprobs=wanted[0].top_logprobs > 0, ended=ended)

    def _reply(self, tokenizer: Any, ids: list[int], logs: list[float] | None, *, n_prompt: int, most: int) -> Reply:
        stops = ends(self._load()[1])
        stop = next((i for i, token in enumerate(ids) if token in stops), None)
        kept = ids if stop is None else ids[:stop]
        text = tokenizer.decode(kept, skip_special_tokens=True)
        pairs = None
        if logs is not None:
            pairs = tuple((tokenizer.decode([t]), log) for t, log in zip(kept, logs, strict=False))
        whole = stop is not None or len(ids) < most
        status = ResponseStatus.ANSWERED if whole else ResponseStatus.TRUNCATED
        if not text.strip():
            status = ResponseStatus.EMPTY if whole else ResponseStatus.TRUNCATED
        body = {"text": text, "tokens": kept, "finish_reason": "stop" if whole else "length"}
        return Reply(
            status=status,
            text=text,
            raw=json.dumps(body).encode(),
            model=self._model,
            fingerprint=self._weights.mark,
            finish_reason="stop" if whole else "length",
            prompt_tokens=n_prompt,
            completion_tokens=len(kept),
            logprobs=pairs,
        )

    def _score(self, prompt: str, text: str, system: str | None) -> tuple[tuple[str, float], ...]:
        import torch

        tokenizer, network = self._load()
        start = self._prompt(tokenizer, prompt, system)
        special = tokenizer.chat_template is None
        before = tokenizer(start, add_special_tokens=special)["input_ids"]
        after = tokenizer(text, add_special_tokens=False)["input_ids"]
        if not before or not after:
            return ()
        with torch.inference_mode():
            logits = network(torch.tensor([before + after])).logits[0].float().log_softmax(-1)
        return tuple(
            (tokenizer.decode([token]), float(logits[len(before) - 1 + i, token])) for i, token in enumerate(after)
        )


@contextlib.contextmanager
def _no_bar_of_unpacking() -> Iterator[None]:
    """Keeps the bar of GGUF's unpacking away, which transformers shows whatever its settings say."""
    from transformers import modeling_gguf_pytorch_utils as unpacking

    shown = getattr(unpacking, "tqdm", None)
    unpacking.tqdm = lambda tensors, **_: tensors
    try:
        yield
    finally:
        unpacking.tqdm = shown


def _together(a: Request, b: Request) -> bool:
    """Returns whether two requests may share a batch: alike in whether log-probabilities are wanted."""
    return (a.top_logprobs > 0) == (b.top_logprobs > 0)


def _settle(future: asyncio.Future[Reply], found: Reply | Fault) -> None:
    if future.done():
        return
    if isinstance(found, Fault):
        future.set_exception(found)
    else:
        future.set_result(found)
