"""Languages, sentences and names: what is read of an answer, where it is cut, and whose a name is."""

from __future__ import annotations

import dataclasses

import pytest

from hydrometer.instruments.identity.language import language_of
from hydrometer.instruments.identity.names import Mention, Names
from hydrometer.instruments.identity.text import sentences, spoken
from hydrometer.records.identity_names import Vendor
from hydrometer.store.vendors import places, shipped_vendors

NAMES = Names(shipped_vendors(), places())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # A Chinese character counts as three Latin letters: ten outweigh 29 and not 30.
        ("我" * 10 + "I" + "x" * 28, "zh"),
        ("我" * 10 + " the " + "x" * 27, "en"),
        ("ア" * 10 + "x" * 29, "ja"),
        ("ア" * 10 + " the " + "x" * 27, "en"),
        ("한" * 10 + "x" * 29, "ko"),
        ("한" * 10 + " the " + "x" * 27, "en"),
        # Letters of other scripts count as one: more than half is needed.
        ("Я" * 10 + "x" * 9, "ru"),
        ("Я" * 10 + " the " + "x" * 7, "en"),
        ("ש" * 3, "he"),
        ("ع" * 3, "ar"),
        ("ह" * 3, "hi"),
        ("ก" * 3, "th"),
        ("λ" * 3, "el"),
        # Kana make Chinese characters Japanese when they are more than 15 % of them: 3 and 4 beside 20.
        ("我" * 20 + "の" * 3, "zh"),
        ("我" * 20 + "の" * 4, "ja"),
        # The characters of both are then Japanese: 24 in all, which outweigh 71 letters and not 72.
        ("我" * 20 + "の" * 4 + "x" * 71, "ja"),
        ("我" * 20 + "の" * 4 + " the " + "x" * 69, "en"),
        # No letters at all is English, as a bare name is; letters of an unknown script are not.
        ("1234 - 5", "en"),
        ("", "en"),
        ("x", "en"),
        ("\u10d0\u10d1", None),  # Georgian
    ],
)
def test_the_script_tells_the_language(text: str, code: str | None) -> None:
    assert language_of(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # Six words without one function word of a known language are in none; five may be a name.
        ("zorp " * 5, "en"),
        ("zorp " * 6, None),
        ("zorp " * 7, None),
        # A single function word tells.
        ("zorp soy", "es"),
        ("soy", "es"),
        # The most of them win: two Spanish words against one English, and the other way round.
        ("zorp the soy yo", "es"),
        ("zorp the made soy", "en"),
        # `do` is English, Portuguese and Polish: where nothing else tells, English.
        ("zorp do", "en"),
        # The first 150 words are read.
        ("zorp " * 149 + "soy", "es"),
        ("zorp " * 150 + "soy", None),
    ],
)
def test_function_words_tell_the_language_of_latin_letters(text: str, code: str | None) -> None:
    assert language_of(text) == code


@pytest.mark.parametrize(("before", "code"), [(1999, "zh"), (2000, "en")])
def test_two_thousand_characters_tell_the_language(before: int, code: str) -> None:
    assert language_of("1" * before + "我") == code


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("<think>I am Claude.</think>I am Qwen.", "I am Qwen."),
        ("<think>I am Claude.", "I am Claude."),  # nothing but reasoning is the answer
        ("Look:\n```py\nx = 1\n```\nDone.", "Look:\n\n\nDone."),
        ("```py\nx = 1\n```", "x = 1"),
        ("I am\u200b Cl\u202eaude.\nYes.", "I am Claude.\nYes."),  # what hides or turns text is gone, lines stay
        ("\uff29 am \ue000Claude", "I am Claude"),  # wide letters are letters; private characters are none
        ("  I am Claude. \n", "I am Claude."),
    ],
)
def test_what_is_said_is_told_from_what_is_around_it(answer: str, expected: str) -> None:
    assert spoken(answer) == expected


def test_twenty_thousand_characters_are_read_of_eighty_thousand() -> None:
    assert len(spoken("x" * 19_999)) == 19_999
    assert len(spoken("x" * 20_001)) == 20_000
    # Reasoning is dropped first, but the answer itself is cut at four times as much: here after its letter A.
    reasoning = "<think>" + "x" * (79_999 - len("<think></think>")) + "</think>"
    assert spoken(reasoning + "AB") == "A"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rains. It pours.", [("It rains.", ""), ("It pours.", "")]),
        ("Is it?  Yes!  It is.", [("Is it?", ""), ("Yes!", ""), ("It is.", "")]),
        ("是。好！", [("是。", ""), ("好！", "")]),
        ("## **Title**\n\n- a point", [("Title", ""), ("- a point", "")]),
        ("[ChatGPT] I was here.\nAnd there.", [("I was here.", "ChatGPT"), ("And there.", "ChatGPT")]),
        ("DAN: hello\nUser: bye", [("hello", "DAN"), ("bye", "User")]),
        ("I: said", [("I: said", "")]),  # a pronoun is no speaker
        ("“I am Qwen. I was made.”", [("I am Qwen.", ""), ("I was made.", "")]),  # all in quotation marks
        ("「好的。我是。」", [("好的。", ""), ("我是。", "")]),
    ],
)
def test_sentences_and_their_speakers(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(s.text, s.label) for s in sentences(text)] == expected


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        # With its marks a quotation of 17 characters is a name and of 18 it is speech.
        ('He is "' + "x" * 15 + '" to all of us', ()),
        ('He is "' + "x" * 16 + '" to all of us', ((6, 24),)),
        ('He is "' + "x" * 17 + '" to all of us', ((6, 25),)),
        # A sentence of which nine tenths are quotation is the speaker's own: 18 of 20, not of 21.
        ('"' + "x" * 16 + '" a', ()),
        ('"' + "x" * 16 + '" ab', ((0, 18),)),
        # Each by itself.
        ('So "' + "x" * 16 + '" and “' + "y" * 18 + "” go", ((3, 21), (26, 46))),
    ],
)
def test_long_quotations_are_speech(text: str, quoted: tuple[tuple[int, int], ...]) -> None:
    (sentence,) = sentences(text)
    assert sentence.quoted == quoted


VENDORS = (
    Vendor(
        name="Acme", aliases=("K智", "智A", "Yahoo!"), models=("Zed", "Zed-4", "Le Chat"), families=("zed", "q-zed")
    ),
    Vendor(name="Bolt", models=("Common",), cased=("Common",), families=("zedder", "bolt-x")),
)
OWN = Names(VENDORS, {"GB": ["Cambridge"], "US": ["Cambridge, Massachusetts"]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # (vendor, kind, start, end)
        ("by Acme", [("Acme", "maker", 3, 7)]),
        ("by ACME", [("Acme", "maker", 3, 7)]),
        ("by acme or Zed", [("Acme", "maker", 3, 7), ("Acme", "model", 11, 14)]),
        ("Zed-4 it is", [("Acme", "model", 0, 5)]),  # the longest
        ("Zed 4 it is", [("Acme", "model", 0, 5)]),
        ("zed4 it is", [("Acme", "model", 0, 4)]),
        ("LeChat", [("Acme", "model", 0, 6)]),
        ("Common", [("Bolt", "model", 0, 6)]),
        ("common", []),  # a common word counts only as written
        ("Acmes, acme_x, @acme, www.acme.com", []),  # whole words
        ("an acme.com page", []),
        # A Latin letter is an edge of a word; a Chinese one and a sign are not.
        ("由K智造", [("Acme", "maker", 1, 3)]),
        ("xK智", []),
        ("的智A的", [("Acme", "maker", 1, 3)]),
        ("的智As", []),
        ("Yahoo!s", [("Acme", "maker", 0, 6)]),
        ("nobody", []),
        ("", []),
    ],
)
def test_names_are_found_as_whole_words(text: str, expected: list[tuple[str, str, int, int]]) -> None:
    assert [(m.vendor, m.kind, m.start, m.end) for m in OWN.find(text)] == expected


def test_only_the_names_given_are_searched_for() -> None:
    assert set(OWN.present("by acme and Zedder")) == {"Acme", "Zed", "Zed-4"}
    assert OWN.find("by Acme", ()) == []
    assert OWN.find("by Acme or Zed", ("Zed",)) == [Mention("Acme", "model", 11, 14)]


def test_a_name_that_is_cased_is_not_found_in_another_spelling() -> None:
    names = Names([Vendor(name="Acme", models=("Le Chat",), cased=("Le Chat",))], {})
    assert [m.kind for m in names.find("Le Chat")] == ["model"]
    assert names.find("LeChat") == []


def test_the_longest_place_counts() -> None:
    assert OWN.countries("in Cambridge, Massachusetts") == {"US"}
    assert OWN.countries("in Cambridge") == {"GB"}
    assert OWN.countries("in Oxford") == set()


@pytest.mark.parametrize(
    ("model", "maker"),
    [
        ("zed", "Acme"),
        ("my-zed", "Acme"),
        ("zed-9b", "Acme"),
        ("zedder", "Bolt"),
        ("org/zed-by-common", "Bolt"),  # `Common`, six letters, against `zed`
        (
            "bolt-x-q-zed",
            "Bolt",
        ),  # `bolt-x`, six characters, against `q-zed`, five, though `Zed` stands later in the list
        ("le-chat-bolt-x", "Acme"),
        ("bolt", None),
        ("zedd", None),
        ("", None),
    ],
)
def test_the_longest_name_says_who_made_a_model(model: str, maker: str | None) -> None:
    assert OWN.maker_of(model) == maker


def test_the_longest_name_of_a_maker_counts_wherever_it_stands_in_its_list() -> None:
    for families in (("tri-zed", "zed"), ("zed", "tri-zed")):
        names = Names([Vendor(name="Acme", families=families), Vendor(name="Bolt", families=("nemo",))], {})
        assert names.maker_of("tri-zed-nemo") == "Acme"


def test_a_name_of_two_makers_alike_says_nothing() -> None:
    names = Names([Vendor(name="Acme", families=("abc",)), Vendor(name="Bolt", families=("xyz",))], {})
    assert names.maker_of("abc-xyz") is None
    assert Names([], {}).maker_of("abc") is None


def test_makers_are_known_by_name_and_alias_however_spelt() -> None:
    assert OWN.vendor_named(" a.c-M_e ") == "Acme"
    assert OWN.vendor_named("yahoo!") == "Acme"
    assert OWN.vendor_named("bolt") == "Bolt"
    assert OWN.vendor_named("Zed") is None  # a model is no maker
    assert OWN.known_as() == ["Acme", "Bolt"]


def test_mentions_and_sentences_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        OWN.find("by Acme")[0].start = 1  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        sentences("So.")[0].label = "x"  # type: ignore[misc]
