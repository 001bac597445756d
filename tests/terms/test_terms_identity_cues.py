"""What an answer says of its speaker without naming a known maker: seats and organisations, and what is neither."""

from __future__ import annotations

import pytest

from hydrometer.instruments.identity.cues import CUES, cues
from hydrometer.instruments.identity.names import Names
from hydrometer.instruments.identity.text import sentences
from hydrometer.store.vendors import places, shipped_vendors

NAMES = Names(shipped_vendors(), places())


def said(text: str, country: str | None = "CN") -> set[str]:
    return set(cues(tuple(sentences(text)), names=NAMES, country=country))


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("We are based in Berlin.", "CN", {"seat_abroad"}),
        ("We are based in Berlin.", "DE", {"seat_home"}),
        ("我们的总部位于柏林。", "CN", {"seat_abroad", "team"}),
        # Two countries are a seat, at home if one of them is; three are a list.
        ("We are based in Berlin and Paris.", "CN", {"seat_abroad"}),
        ("We are based in Berlin and Paris.", "FR", {"seat_home"}),
        ("We are based in Berlin, Paris and Tokyo.", "CN", set()),
        ("We are based in Berlin, Paris and Tokyo.", "FR", set()),
        # No country, no maker's country, no seat, nobody whose seat it is.
        ("We are based here.", "CN", set()),
        ("We are based in Berlin.", None, set()),
        ("We like Berlin.", "CN", set()),
        ("Bears are based in Berlin.", "CN", set()),
    ],
)
def test_a_seat_is_at_home_or_abroad(text: str, country: str | None, expected: set[str]) -> None:
    assert said(text, country) == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("The firm is called Zorblat.", True),
        ("It was created by Zorblat.", True),
        ("Zorblat Industries exists.", True),
        ("这家公司名为“佐布拉特”。", True),
        ("由“佐布拉特”开发。", True),
        ("It rains. The firm is called Zorblat.", True),
        ("The firm is called OpenAI.", False),  # a known maker, which is a claim
        ("The firm is called Berlin.", False),  # a place
        ("The firm is called Python.", False),  # no organisation
        ("The firm is called Python. The firm is called Zorblat.", True),
        ("The firm is good.", False),
    ],
)
def test_an_invented_organisation_is_named(text: str, named: bool) -> None:
    assert ("named_org" in said(text)) is named


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("在银河里。", "fantasy"),
        ("很神秘。", "secret"),
        ("不属于任何公司。", "no_maker"),
        ("没有总部。", "no_company"),
        ("已经越狱。", "outlaw"),
        ("我们的团队很好。", "team"),
        ("由一群工程师完成。", "vague"),
        ("我叫小明。", "persona"),
    ],
)
def test_the_same_kinds_are_read_in_chinese(text: str, kind: str) -> None:
    assert kind in CUES
    assert kind in said(text, None)


def test_of_nothing_said_there_is_no_cue() -> None:
    assert said("It rains.") == set()
    assert said("") == set()
