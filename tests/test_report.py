"""The audit's record and its page: complete, escaped, the same every time, and usable in a browser."""

from __future__ import annotations

import json
import math
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hydrometer.audit import audit_json, parse_audit, run_audit
from hydrometer.records.audit import Audit
from hydrometer.report.page import render_html

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests/golden/deepseek-v3.json"
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def audit() -> Audit:
    return run_audit(ROOT / "dossiers/deepseek-v3.toml", seed=0, command="hydrometer audit")


@pytest.fixture(scope="module")
def page(audit: Audit) -> str:
    return render_html(audit)


def without_provenance(audit: Audit) -> Any:
    record = json.loads(audit_json(audit))
    del record["provenance"]
    return record


def test_two_runs_give_the_same_record_and_page(audit: Audit, page: str) -> None:
    again = run_audit(ROOT / "dossiers/deepseek-v3.toml", seed=0, command="hydrometer audit")
    assert without_provenance(again) == without_provenance(audit)
    assert render_html(again.model_copy(update={"provenance": audit.provenance})) == page


def test_the_record_survives_the_disk(audit: Audit) -> None:
    assert parse_audit(audit_json(audit)) == audit


def assert_close(found: Any, expected: Any, place: str) -> None:
    """Text and counts exactly; floats to one part in a million (libraries may round differently)."""
    assert type(found) is type(expected), place
    if isinstance(expected, dict):
        assert list(found) == list(expected), place
        for key, value in expected.items():
            assert_close(found[key], value, f"{place}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), place
        for i, value in enumerate(expected):
            assert_close(found[i], value, f"{place}[{i}]")
    elif isinstance(expected, float):
        assert math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-12), place
    else:
        assert found == expected, place


def test_the_golden_audit_has_not_moved(audit: Audit) -> None:
    """To accept a change on purpose: delete the golden file, run this test once, and review the new file."""
    found = without_provenance(audit)
    if not GOLDEN.exists():
        GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        pytest.fail("the golden audit was missing and has been written: review it")
    assert_close(found, json.loads(GOLDEN.read_text(encoding="utf-8")), "audit")


def test_every_question_is_answered_or_said_not_to_be(audit: Audit, page: str) -> None:
    for question in audit.questions:
        assert question.title in page
        assert question.evidence or "Not measured" in question.answer
        assert question.how_sure
    for evidence in audit.evidence:
        assert evidence.how_sure
        assert evidence.proposition in page


def test_words_match_strength(page: str) -> None:
    assert not re.search(r"\b(stolen|proved|proven|stole|suspect)\b", page, re.IGNORECASE)


def test_the_page_stands_alone(page: str) -> None:
    assert "<script" not in page
    assert not re.search(r'(src|srcset|@import|url\()\s*=?\s*["\']?https?:', page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> & \"'"


def test_a_strangers_words_are_escaped_everywhere(tmp_path: Path) -> None:
    text = (ROOT / "dossiers/s1-32b.toml").read_text(encoding="utf-8")
    hostile = HOSTILE.replace('"', '\\"')
    for key in ("name", "developer", "summary", "title", "place", "note", "text"):
        text = re.sub(rf'^{key} = ".*"$', lambda m, key=key: f'{key} = "{hostile}"', text, flags=re.MULTILINE)
    path = tmp_path / "hostile.toml"
    path.write_text(text, encoding="utf-8")
    html = render_html(run_audit(path, command=HOSTILE))
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_in_a_browser(browser: Any, page: str, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_text(page, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        tab = context.new_page()
        requested: list[str] = []
        tab.on("request", lambda request: requested.append(request.url))
        tab.goto(path.as_uri())
        assert requested == [path.as_uri()]
        # Nothing may be wider than the screen but what scrolls in its own box.
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        shown = tab.locator("svg.figure:visible")
        assert shown.count() == 9
        assert all(shown.nth(i).get_attribute("aria-label") for i in range(2))
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.textContent") == "Skip to the answers"
        tab.locator("summary").first.click()
        rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]}
        violations = axe.Axe().run(tab, options=rules).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in violations] == []
        context.close()
