"""A task with checkable answers, and reasoning traces of many kinds about it, good and bad.

A question names a rule and up to twelve labelled digits; the rule folds them into one digit, in whatever order:

    sum a 7 b 5 c 3 think

A trace walks through the digits (label, digit, result so far), and may do so again in another order. Two passes that
agree settle the answer, so that a pass with a slip can be put right by more thinking:

    a 7 7 b 5 3 c 3 6 so 6 wait c 3 3 b 5 8 a 7 5 so 5 wait b 5 5 c 3 8 a 7 5 so 5 answer 5

Every word is one token. Questions, and who is right, come from the program: no answer is a matter of opinion.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np

from hydrometer.lab.corpus import END

RULES = ("sum", "product", "largest", "smallest", "odds", "triples")
"""The domains. Modulo 10 where a result would have two digits."""
LABELS = tuple("abcdefghijkl")
DIGITS = tuple("0123456789")
THINK, WAIT, SO, ANSWER, FILLER = "think", "wait", "so", "answer", "hmm"
VOCABULARY = (END, THINK, WAIT, SO, ANSWER, FILLER, *RULES, *LABELS, *DIGITS)
TOKEN = {word: i for i, word in enumerate(VOCABULARY)}

Kind = Literal["careful", "checked", "direct", "rambling", "wrong", "garbled"]
KINDS: tuple[Kind, ...] = ("careful", "checked", "direct", "rambling", "wrong", "garbled")
# All shares and chances of the task are by hand, 2026-11-26; none was varied.
_MOST_PASSES = 4
_ONCE_MORE = 0.25


@dataclass(frozen=True)
class Problem:
    """A rule and its digits.

    Attributes:
        rule: one of `RULES`; the question's domain.
        digits: what is folded, in the order of their labels.
    """

    rule: str
    digits: tuple[int, ...]

    @property
    def words(self) -> list[str]:
        """The question up to and with `think`."""
        pairs = [word for label, digit in zip(LABELS, self.digits, strict=False) for word in (label, str(digit))]
        return [self.rule, *pairs, THINK]

    @property
    def truth(self) -> int:
        """The right answer."""
        return reduce(lambda so_far, digit: _step(self.rule, so_far, digit), self.digits, START[self.rule])


@dataclass(frozen=True)
class Trace:
    """What was written about a question.

    Attributes:
        question: what was asked.
        kind: how it was written; selection never looks at it.
        words: what follows `think`, the answer included.
    """

    question: Problem
    kind: Kind
    words: tuple[str, ...]

    @property
    def answer(self) -> int | None:
        """The digit after `answer` if the trace is well formed, else None."""
        return answer_of(self.words)


@dataclass(frozen=True)
class Mix:
    """What traces of a pool are like.

    Attributes:
        kinds: share of each kind; they add up to 1.
        rules: share of each rule; they add up to 1.
        digits: fewest and most digits of a question.
        slips: chance of a slip a step, in kinds that have them.
    """

    kinds: Mapping[Kind, float]
    rules: Mapping[str, float]
    digits: tuple[int, int]
    slips: float


START = {"sum": 0, "product": 1, "largest": 0, "smallest": 9, "odds": 0, "triples": 0}


def _step(rule: str, so_far: int, digit: int) -> int:
    if rule == "largest":
        return max(so_far, digit)
    if rule == "smallest":
        return min(so_far, digit)
    if rule == "product":
        return so_far * digit % 10
    return (so_far + {"sum": digit, "odds": digit % 2, "triples": 3 * digit}[rule]) % 10


def answer_of(words: Sequence[str]) -> int | None:
    """Returns the answer of a well-formed trace: steps, `so` and a result, perhaps `wait` and again; one answer."""
    if len(words) < 2 or words[-2] != ANSWER or words[-1] not in DIGITS or ANSWER in words[:-2]:
        return None
    body = [w for w in words[:-2] if w != FILLER]
    place = 0
    while place < len(body):
        if body[place] == SO:
            follows = body[place + 2] if place + 2 < len(body) else WAIT
            if place + 1 >= len(body) or body[place + 1] not in DIGITS or follows != WAIT:
                return None
            place += 3
        elif body[place] in LABELS and all(w in DIGITS for w in body[place + 1 : place + 3]) and place + 3 < len(body):
            place += 3
        else:
            return None
    return int(words[-1])


def make_question(rng: np.random.Generator, *, digits: tuple[int, int], rule: str) -> Problem:
    """Returns a question of a random length between the two."""
    n = int(rng.integers(digits[0], digits[1] + 1))
    return Problem(rule, tuple(int(d) for d in rng.integers(0, 10, n)))


def order_of(n: int, number: int) -> list[int]:
    """Returns in which order a pass takes the digits: forward, backward, then both again from other starts."""
    start = (number // 2) * (n // 2) % n
    rotated = [(start + i) % n for i in range(n)]
    return rotated if number % 2 == 0 else rotated[::-1]


def one_pass(
    question: Problem, number: int, rng: np.random.Generator, *, slips: float, fillers: float = 0.0
) -> tuple[list[str], int]:
    """Returns the words of one pass and its result.

    Args:
        question: what is asked.
        number: of the pass, from 0: each has its own order.
        rng: of slips and fillers.
        slips: chance that a step's result is wrong; the pass goes on from it.
        fillers: chance of an idle word before a step.
    """
    so_far = START[question.rule]
    words: list[str] = []
    for place in order_of(len(question.digits), number):
        digit = question.digits[place]
        so_far = _step(question.rule, so_far, digit)
        if rng.random() < slips:
            so_far = (so_far + int(rng.integers(1, 10))) % 10
        words += [FILLER] * int(rng.geometric(1 - fillers) - 1) if fillers else []
        words += [LABELS[place], str(digit), str(so_far)]
    return [*words, SO, str(so_far)], so_far


def make_trace(question: Problem, kind: Kind, rng: np.random.Generator, *, slips: float) -> Trace:
    """Returns a trace of a kind.

    | kind | what it is |
    |---|---|
    | careful | one pass without a slip, right |
    | checked | passes with slips until two agree, in a quarter of them one more; mostly right |
    | direct | no steps, only the answer; right |
    | rambling | as checked, with idle words and passes beyond what is needed |
    | wrong | one pass with a slip that nobody noticed |
    | garbled | a careful trace with words lost and swapped |

    Args:
        question: what is asked.
        kind: of `KINDS`.
        rng: of everything random.
        slips: chance of a slip a step, where the kind has them.
    """
    if kind == "direct":
        return Trace(question, kind, (ANSWER, str(question.truth)))
    if kind == "wrong":
        words, result = one_pass(question, 0, rng, slips=0.0)
        result = (result + int(rng.integers(1, 10))) % 10
        return Trace(question, kind, (*words[:-1], str(result), ANSWER, str(result)))
    if kind in ("careful", "garbled"):
        words, result = one_pass(question, 0, rng, slips=0.0)
        whole = [*words, ANSWER, str(result)]
        return Trace(question, kind, tuple(whole if kind == "careful" else _garbled(whole, rng)))
    fillers, more = (0.4, 2) if kind == "rambling" else (0.0, int(rng.random() < _ONCE_MORE))
    return Trace(question, kind, tuple(_checked(question, rng, slips=slips, fillers=fillers, more=more)))


def _checked(question: Problem, rng: np.random.Generator, *, slips: float, fillers: float, more: int) -> list[str]:
    words: list[str] = []
    results: list[int] = []
    settled = None
    while len(results) < _MOST_PASSES + more:
        if results:
            words.append(WAIT)
        written, result = one_pass(question, len(results), rng, slips=slips, fillers=fillers)
        words += written
        settled = result if settled is None and result in results else settled
        results.append(result)
        if settled is not None:
            more -= 1
            if more < 0:
                break
    return [*words, ANSWER, str(results[0] if settled is None else settled)]


def _garbled(words: list[str], rng: np.random.Generator) -> list[str]:
    kept = [w for w in words if rng.random() > 0.25] or words[:1]
    for _ in range(max(1, len(kept) // 4)):
        i, j = rng.integers(0, len(kept), 2)
        kept[i], kept[j] = kept[j], kept[i]
    return kept


def make_traces(
    n: int, rng: np.random.Generator, mix: Mix, *, without: Collection[Problem] = frozenset()
) -> Iterator[Trace]:
    """Yields `n` traces, kinds and rules drawn by their shares.

    Args:
        n: how many.
        rng: of everything random.
        mix: what they are like.
        without: questions that must not be asked: those of the test.
    """
    kinds, shares = list(mix.kinds), list(mix.kinds.values())
    rules, rule_shares = list(mix.rules), list(mix.rules.values())
    made = 0
    while made < n:
        kind = kinds[int(rng.choice(len(kinds), p=shares))]
        rule = rules[int(rng.choice(len(rules), p=rule_shares))]
        question = make_question(rng, digits=mix.digits, rule=rule)
        if question not in without:
            made += 1
            yield make_trace(question, kind, rng, slips=mix.slips)


def tokens_of(words: Sequence[str]) -> list[int]:
    """Returns the tokens of words."""
    return [TOKEN[word] for word in words]


def make_tokenizer() -> Any:
    """Returns the tokenizer of tokenizers for these words: one word, one token."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel(dict(TOKEN), unk_token=END))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer
