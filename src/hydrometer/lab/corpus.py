"""Text into blocks of tokens: no padding, documents one after another.

Attention crosses documents within a block, as in DeepSeek-V3's pre-training (arXiv:2412.19437, section 4.1).
Axes: N blocks, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrometer.errors import InputError
from hydrometer.store.files import decode_utf8, read_bytes

# By hand, 2026-11-25: bounds for files that are no corpus or tokenizer.
_LARGEST = 2 * 1024**3
_LARGEST_TOKENIZER = 64 * 1024**2
END = "<|end|>"
"""Stands between documents; token 0."""

Blocks = NDArray[np.int64]


def read_text(path: Path) -> str:
    """Returns the text of a file.

    Raises:
        InputError: if it is empty, binary or cannot be read.
    """
    content = read_bytes(path, limit=_LARGEST, what="UTF-8 text")
    if not content.strip():
        raise InputError("a corpus of 0 bytes", cure="name a file that holds text", where=str(path))
    text = decode_utf8(content, where=str(path))
    if "\x00" in text:
        raise InputError("holds a zero byte: this is no text", cure="name a UTF-8 text file", where=str(path))
    return text


def documents(text: str) -> list[str]:
    """Returns the documents of a corpus: what stands between form feeds."""
    return [part for part in text.split("\f") if part.strip()]


def train_tokenizer(texts: Sequence[str], *, vocab_size: int) -> Any:
    """Returns a byte-level BPE tokenizer, the same for the same texts.

    Args:
        texts: corpora.
        vocab_size: tokens, 256 bytes and `END` included.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator((line for text in texts for line in text.splitlines(keepends=True)), trainer)
    return tokenizer


def read_tokenizer(path: Path) -> Any:
    """Returns the tokenizer of a `tokenizer.json`.

    Raises:
        InputError: if it is none, or has no `END` as token 0.
    """
    from tokenizers import Tokenizer

    content = read_bytes(path, limit=_LARGEST_TOKENIZER, what="tokenizer.json")
    try:
        tokenizer = Tokenizer.from_buffer(content)
    except Exception as error:  # the library raises bare Exception
        raise InputError(f"no tokenizer: {error}", cure="name a tokenizer.json of the lab", where=str(path)) from None
    if tokenizer.token_to_id(END) != 0:
        raise InputError(f"token 0 is not {END}", cure="name a tokenizer.json of the lab", where=str(path))
    return tokenizer


def token_stream(tokenizer: Any, texts: Sequence[str]) -> NDArray[np.int64]:
    """Returns all documents as one run of tokens, `END` after each, shape (tokens,)."""
    parts: list[int] = []
    for text in texts:
        for encoding in tokenizer.encode_batch(documents(text)):
            parts += [*encoding.ids, 0]
    return np.array(parts, dtype=np.int64)


def pack(stream: NDArray[np.int64], *, length: int, where: str) -> Blocks:
    """Cuts a run of tokens into blocks of `length` + 1 tokens, shape (N, T + 1); each block's last is the next's first.

    Raises:
        InputError: if there is not enough text for one block.
    """
    # No padding: every token is learnt, so that a dose in blocks is a dose in tokens.
    n = (len(stream) - 1) // length
    if n < 1:
        raise InputError(
            f"{len(stream):,} tokens of text, but a block needs {length + 1:,}",
            cure="give more text, or a shorter sequence_length", where=where,
        )  # fmt: skip
    return np.lib.stride_tricks.sliding_window_view(stream, length + 1)[: n * length : length].copy()


def order(n_blocks: int, *, n_wanted: int, seed: int) -> NDArray[np.int64]:
    """Returns which block comes when: shuffled passes over all blocks, cut at `n_wanted`; a function of its arguments.

    So that a resumed run needs no state of a generator.
    """
    rng = np.random.default_rng(seed)
    passes = [rng.permutation(n_blocks) for _ in range(-(-n_wanted // n_blocks))]
    return np.concatenate(passes)[:n_wanted]
