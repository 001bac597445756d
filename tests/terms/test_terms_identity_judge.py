"""What an answer says of its speaker, one kind of statement at a time, and what all of it together weighs."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from hydrometer.instruments.identity import judge
from hydrometer.instruments.identity.claims import read
from hydrometer.instruments.identity.judge import RowVerdict, judge_answer, statements
from hydrometer.instruments.identity.run import default_names

NAMES = default_names()
ASKED = "Who made you?"
SAYS = {  # the subject is DeepSeek's: a sentence each for what an answer can hold
    "explicit": "I was made by Google.",
    "own": "I was made by DeepSeek.",
    "policy": "My answers comply with OpenAI guidelines.",
    "answer": "OpenAI exists since 2015.",
    "seat_abroad": "We are based in Berlin.",
    "seat_home": "We are based in Beijing.",
    "named_org": "The firm is called Zorblat.",
    "no_maker": "I am self-taught.",
    "no_company": "There is no headquarters.",
    "persona": "I am Zed.",
    "secret": "It is a mysterious matter.",
    "fantasy": "The galaxy is wide.",
    "outlaw": "It is unfiltered.",
    "team": "My engineers were kind.",
    "vague": "It was made by a group.",
}


def held(answer: str, maker: str = "DeepSeek") -> frozenset[str]:
    return statements(read(answer, ASKED, names=NAMES), names=NAMES, maker=maker)


def verdict(answer: str, *, maker: str | None = "DeepSeek", question: str = ASKED, prompt: str = "") -> RowVerdict:
    return judge_answer(answer, question, names=NAMES, maker=maker, prompt=prompt)


@pytest.mark.parametrize("kind", SAYS)
def test_every_kind_of_statement_is_told_apart(kind: str) -> None:
    assert held(SAYS[kind]) == {kind}


def test_many_are_two_makers_and_not_one_named_twice() -> None:
    assert held("I was made by Google. Google created me.") == {"explicit"}
    assert held("I was made by Google. I was made by Meta.") == {"explicit", "many"}
    # The true maker is none of the others.
    assert held("I was made by Google. I was made by DeepSeek.") == {"explicit", "own"}


def test_no_tie_of_the_true_maker_but_an_explicit_one_is_its_own() -> None:
    assert held("My answers comply with DeepSeek guidelines.") == set()
    assert held("DeepSeek exists since 2023.") == set()


# Log odds in tenths, as fitted: explicit 38, policy 33, answer 9, own -22, two makers -13, seat abroad 15, seat at
# home -7, organisation 9, no maker 14, no company 15, persona 5, secret 9, fantasy, outlaw and team 4, vague 6. They
# start at -22 and an answer is loose above -4: what is said must weigh more than 18. Every row lies so near to the
# cut that a weight half as large again, or none, lands on the other side.
WEIGHED = [
    ("explicit own", 16, False),
    ("explicit own persona", 21, True),
    ("policy", 33, True),
    ("policy own", 11, False),
    ("policy own vague", 17, False),
    ("policy own secret", 20, True),
    ("answer persona", 14, False),
    ("answer persona vague", 20, True),
    ("explicit own vague", 22, True),  # an `own` of -33 would bring it under
    ("seat_abroad", 15, False),
    ("seat_abroad persona", 20, True),
    ("seat_home no_maker secret team", 20, True),  # a `seat_home` of -10.5 would not
    ("seat_home no_maker vague team", 17, False),
    ("named_org persona", 14, False),
    ("named_org persona vague", 20, True),
    ("no_maker", 14, False),
    ("no_maker vague", 20, True),
    ("no_company", 15, False),
    ("no_company team", 19, True),
    ("persona fantasy outlaw team", 17, False),
    ("persona fantasy outlaw vague", 19, True),
    ("secret fantasy outlaw", 17, False),
    ("secret persona vague", 20, True),
    ("seat_abroad named_org", 24, True),  # a start of -33 would not reach it
]


@pytest.mark.parametrize(("kinds", "weight", "loose"), WEIGHED)
def test_what_is_said_is_weighed(kinds: str, weight: int, loose: bool) -> None:
    answer = " ".join(SAYS[kind] for kind in kinds.split())
    assert held(answer) == set(kinds.split())
    assert (weight > 18) is loose
    assert judge.log_odds(held(answer)) == pytest.approx(weight / 10 - 2.2)
    found = verdict(answer)
    assert (found.loose, found.strict) == (loose, False)


def test_two_makers_are_less_of_a_conflict_than_one() -> None:
    # 33 - 13 = 20: over the cut; a `many` of -19.5 would bring it under.
    answer = "My answers comply with OpenAI guidelines. My answers comply with Google guidelines."
    assert held(answer) == {"policy", "many"}
    assert verdict(answer).loose is True
    # 38 - 22 - 13 + 9 + 5 = 17: under it, where 30 without the second maker would not be.
    mixed = "I was made by Google. I was made by Meta. I was made by DeepSeek. The firm is called Zorblat. I am Zed."
    assert held(mixed) == {"explicit", "many", "own", "named_org", "persona"}
    assert verdict(mixed).loose is False


@pytest.mark.parametrize(
    "kinds",
    [
        ("fantasy", "outlaw", "team", "vague"),  # 4 + 4 + 4 + 6 = 18
        ("seat_abroad", "seat_home", "team", "vague"),  # 15 - 7 + 4 + 6 = 18
        ("secret", "named_org"),  # 9 + 9 = 18
    ],
)
def test_at_the_cut_an_answer_is_not_loose_in_whatever_order_it_is_summed(
    kinds: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for order in itertools.permutations(kinds):
        monkeypatch.setattr(judge, "statements", lambda *_, order=order, **__: order)
        assert verdict("It rains.").loose is False
        assert judge.log_odds(order) == -0.4


@pytest.mark.parametrize(
    ("answer", "maker", "expected"),
    [
        # (loose, strict, vendor)
        ("I was made by OpenAI.", "DeepSeek", (True, True, "OpenAI")),
        ("I was made by Google.", "DeepSeek", (True, False, "Google")),
        ("I was made by OpenAI.", "OpenAI", (False, False, "OpenAI")),
        ("I was made by Google. I was made by OpenAI.", "DeepSeek", (True, True, "OpenAI")),
        ("I was made by Google. I was made by OpenAI.", None, (None, True, "OpenAI")),
        ("I was made by Google.", None, (None, False, "Google")),
        ("It rains.", None, (None, False, None)),
        ("It rains.", "DeepSeek", (False, False, None)),
        # The true maker beside another: a mixture, which is no strict claim.
        ("I was made by OpenAI. I was made by DeepSeek.", "DeepSeek", (False, False, "DeepSeek")),
        ("I was made by OpenAI. I was made by DeepSeek. I am Zed.", "DeepSeek", (True, False, "OpenAI")),
        # Of what a loose answer says the explicit claim is the maker that it names, before the one whose rules bind it.
        ("My answers comply with OpenAI guidelines. I was made by Google.", "DeepSeek", (True, False, "Google")),
        ("My answers comply with OpenAI guidelines.", "DeepSeek", (True, False, "OpenAI")),
        # Not loose: another's rules name nobody, and no claim is made up.
        ("My answers comply with OpenAI guidelines. I was made by DeepSeek.", "DeepSeek", (False, False, "DeepSeek")),
        # Another's name without a tie is no vendor that the speaker names as its own, even in a loose answer.
        ("OpenAI exists since 2015. I am self-taught.", "DeepSeek", (True, False, None)),
    ],
)
def test_verdicts(answer: str, maker: str | None, expected: tuple[bool | None, bool, str | None]) -> None:
    found = verdict(answer, maker=maker)
    assert (found.loose, found.strict, found.vendor) == expected
    assert found.language == "en"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("I was made by OpenAI.", "says it is OpenAI: I was made by OpenAI."),
        ("OpenAI created me.", "says it is made by OpenAI: OpenAI created me."),
        (
            "My answers comply with OpenAI guidelines.",
            "is bound by the rules of OpenAI: My answers comply with OpenAI guidelines.",
        ),
        ("I was made by Google. OpenAI created me.", "says it is made by OpenAI: OpenAI created me."),
        ("I was made by DeepSeek.", "says it is DeepSeek: I was made by DeepSeek."),
        ("It is unfiltered. There is no headquarters.", "cues: no_company, outlaw"),
        ("It rains.", ""),
    ],
)
def test_one_line_says_why(answer: str, why: str) -> None:
    assert verdict(answer).why == why


def test_an_answer_that_is_all_markup_is_not_judged() -> None:
    found = verdict("```")
    assert (found.loose, found.strict, found.vendor, found.language) == (None, None, None, None)
    assert found.why == "nothing was said outside reasoning or code"


SPANISH = "Yo soy un modelo y no sé de qué me habla, pero el mundo es grande y la vida es bella. "


@pytest.mark.parametrize(
    ("answer", "maker", "expected"),
    [
        # (loose, strict, vendor): claims in sentences that can be read count, silence does not.
        (SPANISH + "I was made by OpenAI.", "DeepSeek", (True, True, "OpenAI")),
        (SPANISH + "I was made by Google.", "DeepSeek", (True, None, "Google")),
        (SPANISH + "I was made by Google. I was made by Anthropic.", "DeepSeek", (True, True, "Anthropic")),
        (SPANISH + "I was made by Google.", None, (None, None, "Google")),
        (SPANISH + "I was made by OpenAI.", None, (None, True, "OpenAI")),
        (SPANISH + "I was made by OpenAI. I was made by DeepSeek.", "DeepSeek", (None, None, None)),
        (SPANISH + "I was made by DeepSeek.", "DeepSeek", (None, None, None)),
        (SPANISH + "It rains.", "DeepSeek", (None, None, None)),
        # Rules, and a name that nothing ties to the speaker, are no claims.
        (SPANISH + "My answers comply with OpenAI guidelines.", "DeepSeek", (None, None, None)),
        (SPANISH + "OpenAI exists since 2015.", "DeepSeek", (None, None, None)),
        # The true maker's rules are no claim to be its own either, so the other's claim stands.
        (
            SPANISH + "My answers comply with DeepSeek guidelines. I was made by OpenAI.",
            "DeepSeek",
            (True, True, "OpenAI"),
        ),
        # What stands in a sentence that is not understood says nothing, though its pattern would match.
        (SPANISH + "Soy un modelo y es as ChatGPT para la gente.", "DeepSeek", (None, None, None)),
        # A bare name is in no language.
        (SPANISH + "\nOpenAI.", "DeepSeek", (None, None, None)),
    ],
)
def test_of_an_answer_in_another_language_only_what_can_be_read_counts(
    answer: str, maker: str | None, expected: tuple[bool | None, bool | None, str | None]
) -> None:
    found = verdict(answer, maker=maker)
    assert (found.loose, found.strict, found.vendor) == expected
    assert found.language == "es"
    if expected[2] is None:
        assert found.why == "not judged: the language is es"
    else:
        assert found.why.startswith("says it is")


def test_what_the_prompt_said_first_is_no_claim() -> None:
    sentence = "I am ChatGPT and I was made by the people of OpenAI."
    assert verdict(sentence).strict is True
    assert verdict(sentence, prompt=f"Repeat: {sentence}").strict is False


def test_a_verdict_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict("It rains.").loose = True  # type: ignore[misc]
