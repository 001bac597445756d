"""Which names an answer ties to its speaker, and how; which it denies, compares, supposes or takes back."""

from __future__ import annotations

import dataclasses

import pytest

from hydrometer.instruments.identity.claims import Claim, asks_about_subject, read
from hydrometer.instruments.identity.run import default_names

NAMES = default_names()
WHO = "Who made you?"
WEATHER = "How is the weather?"


def ties(answer: str, question: str = WHO, prompt: str = "") -> list[tuple[str, str]]:
    return [(c.vendor, c.tie) for c in read(answer, question, names=NAMES, prompt=prompt).claims]


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Who made you?", True),
        ("你是谁？", True),
        ("Who made the sun?", False),  # of a maker, not of the subject
        ("How do you feel?", False),  # of the subject, not of its maker
        (WEATHER, False),
        # Only the last 400 characters are the question; what stands before is a scene.
        ("you" + " who?".rjust(397, "."), True),
        ("you" + " who?".rjust(398, "."), False),
    ],
)
def test_a_question_asks_about_the_subject_or_not(question: str, asked: bool) -> None:
    assert asks_about_subject(question) is asked
    assert read("It rains.", question, names=NAMES).asked is asked


@pytest.mark.parametrize(
    ("answer", "question", "expected"),
    [
        ("I am ChatGPT.", WEATHER, [("OpenAI", "self")]),
        ("Google created me.", WEATHER, [("Google", "maker")]),
        # Without a first person it is a claim only where it answers the question.
        ("The brainchild of Google.", WHO, [("Google", "maker")]),
        ("The brainchild of Google.", WEATHER, []),
        ("Google.", WHO, [("Google", "maker")]),
        ("Google.", WEATHER, []),
        # A name that nothing ties to the speaker answers, where asked.
        ("Google sits in Mountain View.", WHO, [("Google", "answer")]),
        ("Google sits in Mountain View.", WEATHER, []),
        ("I saw Google there.", WHO, [("Google", "answer")]),
        ("I saw Google there.", WEATHER, []),
        # Rules bind, or are talked about.
        ("I comply with Google policies.", WEATHER, [("Google", "policy")]),
        ("Google policies exist.", WEATHER, []),
        ("Google policies exist.", WHO, []),
        # Comparison, supposition, somebody else: each alone is enough.
        ("Unlike Google, I was trained alone.", WHO, []),
        ("Suppose I am ChatGPT.", WHO, []),
        ("ChatGPT is another model.", WHO, []),
        # A tool's maker is not the speaker's.
        ("I use tools developed by Google.", WHO, []),
        # Three makers in one sentence are a list; two are not.
        ("I am ChatGPT, Claude.", WEATHER, [("OpenAI", "self"), ("Anthropic", "self")]),
        ("I am ChatGPT, Claude, Gemini.", WEATHER, []),
        ("I am ChatGPT, Claude, GPT-4o.", WEATHER, [("OpenAI", "self"), ("Anthropic", "self"), ("OpenAI", "self")]),
    ],
)
def test_how_a_name_is_tied_to_the_speaker(answer: str, question: str, expected: list[tuple[str, str]]) -> None:
    assert ties(answer, question) == expected


def test_a_claim_says_what_where_and_whether_a_model_was_named() -> None:
    found = read("It rains. Google created me. I am ChatGPT.", WHO, names=NAMES)
    assert found.claims == (
        Claim("Google", "maker", "maker", 1, "Google created me."),
        Claim("OpenAI", "self", "model", 2, "I am ChatGPT."),
    )
    assert [s.text for s in found.sentences] == ["It rains.", "Google created me.", "I am ChatGPT."]
    assert found.denied == frozenset()


def test_the_maker_that_is_denied_is_not_the_one_beside_it() -> None:
    found = read("I was not made by OpenAI, but by Anthropic.", WHO, names=NAMES)
    assert found.denied == {"OpenAI"}
    assert {c.vendor for c in found.claims} == {"Anthropic"}
    found = read("I am ChatGPT and not Claude.", WHO, names=NAMES)
    assert (found.denied, [c.vendor for c in found.claims]) == ({"Anthropic"}, ["OpenAI"])


def test_each_name_of_a_sentence_is_judged_by_its_own_place() -> None:
    # What follows the last name counts too: the rules here are Google's and nobody else's.
    assert ties("I am ChatGPT and comply with Google policies.", WEATHER) == [("OpenAI", "self"), ("Google", "policy")]
    assert ties("OpenAI left, and Google created me.", WEATHER)[-1] == ("Google", "maker")


def test_speech_in_quotation_marks_is_not_the_speakers() -> None:
    said = 'In the story he says "I am ChatGPT, for sure" and leaves. I am Claude.'
    assert ties(said) == [("Anthropic", "self")]
    # Before and after the quotation in the same sentence the name counts.
    assert ties('I am Claude, she wrote "and all of this is very well" there.', WEATHER) == [("Anthropic", "self")]
    assert ties('"This is very well said", and I am Claude.', WEATHER) == [("Anthropic", "self")]
    # A name in quotation marks is a name and no speech.
    assert ties('I am "ChatGPT", they say to all of us here.', WEATHER) == [("OpenAI", "self")]


@pytest.mark.parametrize(("before", "there"), [(398, True), (399, True), (400, False)])
def test_four_hundred_sentences_are_read(before: int, there: bool) -> None:
    found = read("It rains.\n" * before + "I am ChatGPT.", WHO, names=NAMES)
    assert bool(found.claims) is there
    assert len(found.sentences) == min(before + 1, 400)


@pytest.mark.parametrize(("end", "there"), [(599, True), (600, True), (601, False)])
def test_six_hundred_characters_of_a_sentence_are_read(end: int, there: bool) -> None:
    tail = " i am Gemini"
    sentence = ("so " * 300)[: end - len(tail)] + tail
    assert len(sentence) == end
    assert bool(ties(sentence, WEATHER)) is there


@pytest.mark.parametrize(("length", "claimed"), [(39, True), (40, False), (41, False)])
def test_a_sentence_that_the_prompt_holds_is_an_echo_from_forty_characters(length: int, claimed: bool) -> None:
    sentence = "I am ChatGPT" + ", as all know".ljust(length - 13, "y") + "."
    assert len(sentence) == length
    assert bool(ties(sentence, prompt=f"Say: {sentence}")) is claimed
    assert ties(sentence, prompt="Say what you like.") == [("OpenAI", "self")]


def test_a_reading_without_names_still_holds_what_was_said() -> None:
    found = read("It rains. It pours.", WHO, names=NAMES)
    assert (found.claims, len(found.sentences)) == ((), 2)


@pytest.mark.parametrize(
    ("answer", "vendors"),
    [
        ("I am ChatGPT. Actually, I am Claude.", ["Anthropic"]),
        ("I am ChatGPT. I am Claude.", ["OpenAI", "Anthropic"]),  # nothing is taken back
        ("Actually, I am ChatGPT. I am Claude.", ["OpenAI", "Anthropic"]),  # a correction of what came before
        ("I am ChatGPT. Actually, I am GPT-4o.", ["OpenAI", "OpenAI"]),  # the same maker
        ("Actually, I am ChatGPT and Claude.", ["OpenAI", "Anthropic"]),  # one sentence says both
        # A name that is not claimed takes nothing back.
        ("I am ChatGPT. Actually, Google sits in Mountain View.", ["OpenAI", "Google"]),
    ],
)
def test_what_is_taken_back_is_no_claim(answer: str, vendors: list[str]) -> None:
    assert [vendor for vendor, _ in ties(answer)] == vendors


@pytest.mark.parametrize(("end", "vendors"), [(80, ["Anthropic"]), (81, ["OpenAI", "Anthropic"])])
def test_a_correction_comes_early_in_its_sentence(end: int, vendors: list[str]) -> None:
    opening = "So " + "x" * (end - len("So  actually")) + " actually"
    assert len(opening) == end
    assert [vendor for vendor, _ in ties(f"I am ChatGPT. {opening} I am Claude.")] == vendors


def test_claims_and_readings_cannot_be_changed() -> None:
    found = read("I am ChatGPT.", WHO, names=NAMES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.asked = False  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.claims[0].vendor = "Google"  # type: ignore[misc]
