"""What is wrong with a set of probes, one line a finding."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from hydrometer.errors import printable
from hydrometer.records.probes import Probe, ProbeKind

# By hand, 2026-11-25, while writing the probe sets that ship; not measured on others.
_GRAM = 4
_ALIKE = 0.6
"""Share of common character 4-grams from which two prompts count as near duplicates."""
# By hand, 2026-11-25.
_LONGEST = 20_000
_SCRIPTS = {
    "zh": ("CJK",), "ja": ("CJK", "HIRAGANA", "KATAKANA"), "ko": ("HANGUL",), "ru": ("CYRILLIC",), "uk": ("CYRILLIC",),
    "ar": ("ARABIC",), "he": ("HEBREW",), "el": ("GREEK",), "hi": ("DEVANAGARI",), "th": ("THAI",),
}  # fmt: skip
"""Scripts in which a language is written; every other language: Latin."""


def check_probes(probes: Sequence[Probe]) -> tuple[str, ...]:
    """Returns the findings: doubled or nearly doubled prompts, other scripts than declared, odd lengths and characters.

    Args:
        probes: of one set.
    """
    findings = [*_doubles(probes), *_near_doubles(probes)]
    for probe in probes:
        findings += [f"{probe.id}: {problem}" for problem in _problems(probe)]
    return tuple(findings)


def _problems(probe: Probe) -> Iterable[str]:
    if len(probe.prompt) > _LONGEST:
        yield f"{len(probe.prompt):,} characters: longer than any everyday request"
    if not probe.prompt.strip():
        yield "white space only"
    elif probe.prompt != probe.prompt.strip():
        yield "white space at an end: some providers strip it, so that answers are to another prompt"
    odd = sorted({f"U+{ord(c):04X}" for c in probe.prompt if _is_odd(c)})
    if odd:
        yield f"control or invisible characters {', '.join(odd[:5])}"
    script = _main_script(probe.prompt)
    expected = _SCRIPTS.get(probe.language, ("LATIN",))
    if script is not None and script not in expected:
        yield f"declared as '{probe.language}' but written mostly in {script.lower()} letters"
    if probe.kind is ProbeKind.REASONING and probe.answer is None:
        yield "a reasoning probe without an answer to check"


def _is_odd(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} and character not in "\n\t"


def _main_script(text: str) -> str | None:
    """Returns the script of most letters, by the first word of their Unicode names; none where there are no letters."""
    counts = Counter(unicodedata.name(c, "?").split(" ")[0] for c in text if c.isalpha())
    return max(counts, key=lambda script: counts[script]) if counts else None


def _doubles(probes: Sequence[Probe]) -> Iterable[str]:
    first: dict[str, str] = {}
    for probe in probes:
        key = unicodedata.normalize("NFC", " ".join(probe.prompt.split()))
        if key in first:
            yield f"{probe.id}: the same prompt as {first[key]}"
        else:
            first[key] = probe.id


def _near_doubles(probes: Sequence[Probe]) -> Iterable[str]:
    """Yields pairs whose character 4-grams are mostly the same (Jaccard), found through grams that few prompts hold."""
    grams = {probe.id: _grams(probe.prompt) for probe in probes}
    holders: dict[str, list[str]] = defaultdict(list)
    for name, own in grams.items():
        for gram in own:
            holders[gram].append(name)
    common: Counter[tuple[str, str]] = Counter()
    for names in holders.values():
        # What a tenth of the set shares is a form of words ("Think step by step"), not a likeness.
        if 1 < len(names) <= max(8, len(probes) // 10):
            common.update((a, b) for i, a in enumerate(names) for b in names[i + 1 :])
    for (a, b), _ in common.most_common():
        shared = len(grams[a] & grams[b]) / len(grams[a] | grams[b])
        if _ALIKE <= shared < 1:
            yield f"{b}: nearly the same as {a} ({100 * shared:.0f} % of their letters' sequences)"


def _grams(text: str) -> set[str]:
    folded = " ".join(text.casefold().split())
    return {folded[i : i + _GRAM] for i in range(max(len(folded) - _GRAM + 1, 1))}


def summary(probes: Sequence[Probe]) -> dict[str, dict[str, int]]:
    """Returns how many probes there are of each kind and language."""
    return {
        "kinds": dict(Counter(probe.kind.value for probe in probes)),
        "languages": dict(Counter(printable(probe.language, limit=8) for probe in probes)),
    }
