"""Which language an answer is in, well enough to know whether the reader understands it."""

from __future__ import annotations

import re
from collections import Counter

READ = ("en", "zh")
"""Languages whose claims the reader understands."""

_SCRIPTS = {
    "zh": re.compile(r"[\u3400-\u9fff]"),
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\uac00-\ud7af\u1100-\u11ff]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "he": re.compile(r"[\u0590-\u05ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
    "el": re.compile(r"[\u0370-\u03ff]"),
}
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
# Written by hand, 2026-11-25; no corpus stands behind them. Some are what answers about makers hold (`created`).
_WORDS = {
    "en": (
        "the of and to a in is i you that it for was on are as with my me by be at have from or an this not "
        "but am we our your they can what will don't i'm who which no yes made created developed about do so "
        "if all just his her"
    ),
    "es": (
        "el la los las de que y en un una por con para es soy fue como pero más su mi me no se lo del al está "
        "creado desarrollado yo te sus"
    ),
    "fr": (
        "le la les de des du et en un une par avec pour est suis je vous nous mon ma mes que qui dans ce "
        "cette pas ne sur créé développé été au aux il elle"
    ),
    "de": (
        "der die das und ich bin ist von ein eine nicht mit für auf mein meine wurde als im den dem zu sie "
        "wir entwickelt auch sich es bei wie"
    ),
    "pt": (
        "o os as de que e em um uma por com para é sou foi como mas mais seu meu minha não se do da dos das "
        "pelo pela criado desenvolvido eu"
    ),
    "it": (
        "il lo la gli le di che e in un una per con è sono come ma più mio mia non si del della dei dal dalla "
        "creato sviluppato stato io"
    ),
    "nl": "de het een en van ik ben is niet met voor op mijn door dat die te zijn aan ontwikkeld als wij ook maar",
    "id": "yang dan di saya adalah oleh untuk dengan tidak ini itu dari dikembangkan kami sebagai pada bisa anda",
    "vi": "tôi là được và của bởi một không có trong cho với phát triển bạn những các này",
    "tr": "ben bir ve tarafından bu için ile değil olarak geliştirilen benim ne da de",
    "pl": "jestem i w na przez nie się że z do to jest mój moja został stworzony jako po od",
    "sv": "jag är och att en ett av som det inte med för på min har utvecklad till den",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _code, _words in _WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_code)
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
# By hand, 2026-11-25, as are the shares and lengths below; none was measured.
_FEWEST = 6
"""Words from which an answer in Latin letters without any function word is in no language that is known here."""


def language_of(text: str) -> str | None:
    """Returns the ISO 639 code of the language that most of a text is in; None where it cannot be determined.

    A text without words, as a bare name, counts as English: names are the same in all languages.
    """
    sample = text[:2000]
    counts = {code: len(pattern.findall(sample)) for code, pattern in _SCRIPTS.items()}
    latin = len(_LATIN.findall(sample))
    # Japanese is written in Chinese characters too: some kana among them decide.
    if counts["ja"] > 0.15 * counts["zh"]:
        counts["ja"] += counts.pop("zh")
    best = max(counts, key=lambda code: counts[code])
    # A Chinese character carries as much as some three letters; Latin names stand in every Chinese answer.
    weight = 3 if best in {"zh", "ja", "ko"} else 1
    if counts[best] * weight > latin and counts[best]:
        return best
    if latin == 0:
        return None if any(c.isalpha() for c in sample) else "en"
    return _latin_language(sample)


def _latin_language(text: str) -> str | None:
    words = [w.casefold() for w in _TOKEN.findall(text)][:150]
    hits = Counter(code for word in words for code in _LANGUAGES_OF.get(word, ()))
    best = max(_WORDS, key=lambda code: (hits[code], code == "en"))
    if hits[best] == 0:
        # Six words without a single function word are no sentence of these languages, and no name either.
        return None if len(words) >= _FEWEST else "en"
    return best
