"""Asks local weights through transformers: batched, with log-probabilities, and scores given texts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hydrometer.errors import InputError, printable
from hydrometer.records.responses import ResponseStatus
from hydrometer.targets.protocol import Capabilities, Fault, Reply, Request, Target
from hydrometer.targets.weights import CACHE, Weights, find_weights

DEFAULT_BATCH = 16
_PATIENCE = 0.02
"""Seconds that a request waits for others to share its batch."""
_CURE = "pip install 'hydrometer[local]' (for PyTorch itself see pytorch.org)"
_WANTED = ["*.safetensors", "*.safetensors.index.json", "*.json", "tokenizer.model", "*.jinja"]


def open_checkpoint(name: str, *, model: str | None = None) -> Target:
    """Returns the target of local weights; loads nothing before the first request.

    Goes through transformers. Only where that is not installed, GGUF files go through llama.cpp (xllamacpp): its greedy
    answers from the same file of SmolLM2 differ, and are worse (docs/benchmarks/local_generation.md).

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
            batch: greedy requests answered together.

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
        """Costs nothing; log-probabilities of answers."""
        return Capabilities(most_at_once=4 * self._batch, logprobs=True, billed=False)

    async def ask(self, request: Request) -> Reply:
        """Returns the reply to one request; greedy requests that wait together are answered together.

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
            chosen = [pair for pair in self._waiting if _together(first, pair[0])][: self._batch]
            self._waiting = [pair for pair in self._waiting if pair not in chosen]
            try:
                replies = await loop.run_in_executor(self._pool, self._generate, [r for r, _ in chosen])
            except Exception as error:
                fault = error if isinstance(error, Fault) else Fault(printable(error, limit=200), retry=False)
                for _, future in chosen:
                    if not future.done():
                        future.set_exception(fault)
                continue
            for (_, future), reply in zip(chosen, replies, strict=True):
                if not future.done():
                    future.set_result(reply)

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
                tokenizer = AutoTokenizer.from_pretrained(folder, **options)
                weights = {} if self._weights.kind == "gguf" else {"use_safetensors": True}
                network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options, **weights)
            except Exception as error:  # a damaged checkpoint raises whatever its loader meets
                raise Fault(f"the weights cannot be loaded ({printable(error, limit=160)})", retry=False) from None
            tokenizer.padding_side = "left"
            if tokenizer.pad_token_id is None:
                tokenizer.pad_token_id = tokenizer.eos_token_id or 0
            self._loaded = (tokenizer, network.train(False))
        return self._loaded

    def _prompt(self, tokenizer: Any, prompt: str, system: str | None) -> str:
        if tokenizer.chat_template is None:
            return prompt if system is None else f"{system}\n\n{prompt}"
        turns = [] if system is None else [{"role": "system", "content": system}]
        turns.append({"role": "user", "content": prompt})
        # transformers renders templates in jinja's sandbox.
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    def _generate(self, requests: Sequence[Request]) -> list[Reply]:
        import torch

        tokenizer, network = self._load()
        first = requests[0]
        texts = [self._prompt(tokenizer, r.prompt, r.system) for r in requests]
        batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=tokenizer.chat_template is None)
        longest = getattr(network.config, "max_position_embeddings", None)
        if longest is not None and batch["input_ids"].shape[1] + first.max_tokens > longest:
            raise Fault(f"prompt and answer are longer than the {longest:,} tokens that the model takes", retry=False)
        sampling: dict[str, Any] = {"do_sample": first.temperature > 0}
        if first.temperature > 0:
            sampling |= {"temperature": first.temperature, "top_p": first.top_p or 1.0, "top_k": 0}
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(first.seed or 0)
            out = network.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=first.max_tokens,
                pad_token_id=tokenizer.pad_token_id,
                return_dict_in_generate=True,
                output_logits=first.top_logprobs > 0,
                **sampling,
            )
        answers = out.sequences[:, batch["input_ids"].shape[1] :]
        prompts = batch["attention_mask"].sum(1).tolist()
        logits = torch.stack(out.logits, 1) if first.top_logprobs else None
        return [
            self._reply(tokenizer, answers[i], prompts[i], None if logits is None else logits[i], first.max_tokens)
            for i in range(len(requests))
        ]

    def _reply(self, tokenizer: Any, answer: Any, n_prompt: int, logits: Any, most: int) -> Reply:
        ends = _ends(self._loaded[1]) if self._loaded else set()
        ids = answer.tolist()
        stop = next((i for i, token in enumerate(ids) if token in ends), None)
        kept = ids if stop is None else ids[:stop]
        text = tokenizer.decode(kept, skip_special_tokens=True)
        pairs = None
        if logits is not None:
            logs = logits.float().log_softmax(-1)
            pairs = tuple((tokenizer.decode([t]), float(logs[i, t])) for i, t in enumerate(kept))
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
            prompt_tokens=int(n_prompt),
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


def _together(a: Request, b: Request) -> bool:
    """Returns whether two requests may share a batch: greedy, and alike but for their prompts."""
    same = (a.max_tokens, a.temperature, a.top_p, a.seed, a.top_logprobs) == (
        b.max_tokens, b.temperature, b.top_p, b.seed, b.top_logprobs,
    )  # fmt: skip
    # Sampled answers are drawn one by one: in a batch they would depend on their neighbours.
    return a is b or (same and a.temperature == 0)


def _ends(network: Any) -> set[int]:
    found = network.generation_config.eos_token_id
    return set(found) if isinstance(found, list) else set() if found is None else {found}
