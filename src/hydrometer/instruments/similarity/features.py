"""An answer as style, structure and content, without any model.

Style is how it is worded: function words, punctuation, length of words and sentences. Structure is how it is laid out:
kinds of lines, what follows what, how many, how long. Content is what is said: its words and pairs of words, weighted
by rarity among the answers to the same prompt.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hydrometer.stats.likeness import ratio, ruzicka

Array = NDArray[np.float64]
# By hand, 2026-11-25: bounds time on endless answers.
_LONGEST = 30_000
_WORD = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]|[^\W_]+(?:'[^\W_]+)?")
_SENTENCE = re.compile(r"[.!?。！？]+(?:\s|$|(?=[\u3400-\u9fff]))|\n+")
# Words that no topic needs; written by hand, 2026-11-25, no corpus stands behind them.
_FUNCTION = (
    "the a an of to in and or but for with on at by from as is are was were be been being it its this "
    "that these those i you he she we they my your his her our their me him us them not no can could may "
    "might must shall should will would do does did have has had if then than so such which who whom "
    "whose what when where why how while also into over under about between through during before after "
    "above below more most some any each other another both all however therefore thus because although "
    "though since until unless whether here there just only very too even let's don't it's i'm you're "
    "can't 的 了 是 在 和 有 不 我 你 他 这 那 也 就 都 而 及 与 或 可 以 会 能 要 为 对 从 到 把 被 让 很"
)
_FUNCTION_AT = {word: i for i, word in enumerate(dict.fromkeys(_FUNCTION.split()))}
_MARKS = ".,;:!?—–-()[]{}\"'“”‘’*#_`|/\\&%$€~<>=+…•·。，、；：！？（）「」《》"
_MARK_AT = {mark: i for i, mark in enumerate(dict.fromkeys(_MARKS))}
_LINE_KINDS = (
    ("code", re.compile(r"^\s*```")),
    ("heading", re.compile(r"^\s*#{1,6}\s|^\s*\*\*[^*]+\*\*:?\s*$")),
    ("bullet", re.compile(r"^\s*[-*•+]\s")),
    ("number", re.compile(r"^\s*\(?\d{1,3}[.)、]\s?")),
    ("table", re.compile(r"^\s*\|.*\|\s*$")),
    ("quote", re.compile(r"^\s*>")),
    ("formula", re.compile(r"^\s*(?:\$\$|\\\[|\\begin)")),
)
_KINDS = (*(kind for kind, _ in _LINE_KINDS), "paragraph", "start", "end")
_KIND_AT = {kind: i for i, kind in enumerate(_KINDS)}


@dataclass(frozen=True)
class Answer:
    """One answer, taken apart.

    Attributes:
        words: function words per 100 words, shape (F,).
        marks: punctuation marks per 100 characters.
        word_length: mean, in characters.
        sentence_length: mean, in words.
        kinds: lines by kind.
        follows: which kind of line follows which, counted.
        n_words: length of the answer.
        grams: words and pairs of words with their counts.
    """

    words: Array
    marks: Array
    word_length: float
    sentence_length: float
    kinds: Array
    follows: Array
    n_words: int
    grams: Counter[str]


def take_apart(text: str) -> Answer:
    """Returns an answer's style, structure and content."""
    text = text[:_LONGEST]
    tokens = [w.casefold() for w in _WORD.findall(text)]
    n = max(len(tokens), 1)
    words = np.zeros(len(_FUNCTION_AT))
    for token, times in Counter(tokens).items():
        if token in _FUNCTION_AT:
            words[_FUNCTION_AT[token]] = times
    marks = np.zeros(len(_MARK_AT))
    for mark, times in Counter(text).items():
        if mark in _MARK_AT:
            marks[_MARK_AT[mark]] = times
    sentences = sum(1 for part in _SENTENCE.split(text) if part and part.strip()) or 1
    kinds, follows = _layout(text)
    content = [t for t in tokens if t not in _FUNCTION_AT]
    grams = Counter(content)
    grams.update(f"{a} {b}" for a, b in pairwise(tokens))
    return Answer(
        words=100 * words / n,
        marks=100 * marks / max(len(text), 1),
        word_length=sum(map(len, tokens)) / n,
        sentence_length=len(tokens) / sentences,
        kinds=kinds,
        follows=follows,
        n_words=len(tokens),
        grams=grams,
    )


def _layout(text: str) -> tuple[Array, Array]:
    kinds, follows = np.zeros(len(_KINDS)), np.zeros((len(_KINDS), len(_KINDS)))
    before, inside_code = _KIND_AT["start"], False
    for line in text.split("\n"):
        if not line.strip():
            continue
        kind = next((k for k, pattern in _LINE_KINDS if pattern.match(line)), "paragraph")
        if kind == "code":
            inside_code = not inside_code
        elif inside_code:
            kind = "code"
        at = _KIND_AT[kind]
        kinds[at] += 1
        follows[before, at] += 1
        before = at
    follows[before, _KIND_AT["end"]] += 1
    return kinds, follows.ravel()


def style_likeness(answers: list[Answer]) -> Array:
    """Returns the likeness in wording of every pair, shape (M, M): the mean of function words, marks and lengths."""
    words_MM = ruzicka(np.stack([a.words for a in answers]))
    marks_MM = ruzicka(np.stack([a.marks for a in answers]))
    lengths_MM = np.sqrt(
        ratio(np.array([a.word_length for a in answers])) * ratio(np.array([a.sentence_length for a in answers]))
    )
    # Equal weights here and below: none was fitted. Tried instead: sentence embeddings (AUC 0.85, at sixty times the
    # cost; these aspects together 0.93) and BERTScore-like matching (0.88). See docs/log.md, 2026-11-25.
    likeness_MM: Array = (words_MM + marks_MM + lengths_MM) / 3
    return likeness_MM


def structure_likeness(answers: list[Answer]) -> Array:
    """Returns the likeness in layout of every pair, shape (M, M): the mean of kinds, order and length."""
    kinds_MM = ruzicka(np.stack([a.kinds for a in answers]))
    follows_MM = ruzicka(np.stack([a.follows for a in answers]))
    length_MM = ratio(np.array([float(a.n_words) for a in answers]))
    likeness_MM: Array = (kinds_MM + follows_MM + length_MM) / 3
    return likeness_MM


def content_likeness(answers: list[Answer]) -> Array:
    """Returns the cosine of weighted words and pairs of words of every pair, shape (M, M).

    Counts enter as 1 + log; weights are the inverse frequency over the answers given (Salton and Buckley 1988,
    "ltc"), plus 1, so that what both say is not lost where there are only two answers.
    """
    from scipy.sparse import csr_matrix

    n = len(answers)
    held: Counter[str] = Counter()
    for answer in answers:
        held.update(answer.grams.keys())
    at = {gram: i for i, gram in enumerate(held)}
    weight_F = np.log((1 + n) / (1 + np.array(list(held.values()), dtype=np.float64))) + 1
    rows, columns, values = [], [], []
    for row, answer in enumerate(answers):
        index = [at[g] for g in answer.grams]
        rows += [row] * len(index)
        columns += index
        values += list((1 + np.log(np.array(list(answer.grams.values()), dtype=np.float64))) * weight_F[index])
    matrix = csr_matrix((values, (rows, columns)), shape=(n, max(len(at), 1)))
    norm_M = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    likeness_MM: Array = (matrix @ matrix.T).toarray()
    scale_MM = norm_M[:, None] * norm_M[None, :]
    cosine_MM: Array = np.divide(likeness_MM, scale_MM, out=np.zeros_like(likeness_MM), where=scale_MM > 0)
    return cosine_MM


def likenesses(texts: list[str | None]) -> dict[str, Array]:
    """Returns the likeness of every pair of answers to one prompt, by aspect; not a number where one is missing."""
    present = [i for i, text in enumerate(texts) if text]
    answers = [take_apart(texts[i] or "") for i in present]
    found: dict[str, Array] = {}
    where = np.ix_(present, present)
    for aspect, measure in (
        ("style", style_likeness),
        ("structure", structure_likeness),
        ("content", content_likeness),
    ):
        full_MM = np.full((len(texts), len(texts)), np.nan)
        if answers:
            full_MM[where] = measure(answers)
        found[aspect] = full_MM
    found["overall"] = (found["style"] + found["structure"] + found["content"]) / 3
    return found
