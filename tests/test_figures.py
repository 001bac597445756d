"""README and docs print the figures that benches wrote; the frame of the benches keeps pages and figures together."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import figures
import frame
import run
import ties
from frame import Bench, Inputs, Kind, NotMeasuredError, Option, Page
from table import BENCHES, BY_NAME, MAKERS

MINUS = "\u2212"
TABLE = """# A page

| method | runs | median error |
|---|---|---|
| **Ours** (left out) | 51 | **24 %** |
| theirs | none | – |

## By kind

| kind | of | held |
|---|---|---|
| dense | A | 3 of 4 |
| dense | B | 1,234.5 |

Within a factor
of 1.72, as it is.
"""


def test_documents_print_what_benches_wrote() -> None:
    printed, wrong = run.problems()
    assert wrong == []
    assert len({p.document for p in printed}) >= 10
    assert sum(p.document == "README.md" for p in printed) >= 150


def test_all_but_stated_numbers_of_the_readme_s_benchmark_tables_are_tied() -> None:
    """A new row of a table with a column of commands needs a figure; numbers that a row works out itself are listed."""
    printed, _ = run.problems()
    text = (frame.ROOT / "README.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    rows = {n for n, line in enumerate(lines, start=1) if "`python bench/run.py" in line and line.startswith("|")}
    tied = {p.line for p in printed if p.document == "README.md"}
    assert rows
    assert rows <= tied


def test_cells_and_sentences_of_a_page_are_its_figures() -> None:
    found = figures.of_page(TABLE, said={"factor": r"a factor of ([\d.]+)"})
    assert found == {
        "top/ours/runs": "51",
        "top/ours/median_error": "24 %",
        "by_kind/dense_a/held": "3 of 4",
        "by_kind/dense_b/held": "1,234.5",
        "factor": "1.72",
    }
    assert "by_kind/dense_a/held" not in figures.of_page(TABLE, said={}, lists=("by_kind",))


def test_a_sentence_that_is_gone_is_an_error() -> None:
    with pytest.raises(ValueError, match="'factor'"):
        figures.of_page(TABLE, said={"factor": r"a power of ([\d.]+)"})


def test_rows_columns_and_tables_of_the_same_name_are_told_apart() -> None:
    page = "| a | b | b |\n|---|---|---|\n| x | 1 | 2 |\n\n| a | b |\n|---|---|\n| x | 3 |\n| x | y 4 |\n"
    assert figures.of_page(page, said={}) == {"top/x/b": "1", "top/x/b_2": "2"}
    page = "| a | b | c |\n|---|---|---|\n| x | u | 3 |\n| x | v | 4 |\n\n| a | b |\n|---|---|\n| x | 5 |\n"
    assert figures.of_page(page, said={}) == {"top/x_u/c": "3", "top/x_v/c": "4", "top_2/x/b": "5"}


@pytest.mark.parametrize(
    ("printed", "written", "alike"),
    [
        ("24", "24.2", True),
        ("24.0", "24", True),
        ("25", "24.2", False),
        ("1.7", "1.72", True),
        ("1.6", "1.72", False),
        ("2,470", "2470", True),
        (f"{MINUS}0.14", "-0.14", True),
        ("0.14", "-0.14", False),
        ("62", "62.5", True),
        ("61", "62.5", False),
    ],
)
def test_a_document_may_print_fewer_digits_and_no_others(printed: str, written: str, alike: bool) -> None:
    assert figures.same(printed, written) is alike


def test_numbers_are_read_with_their_signs_and_without_their_units() -> None:
    text = f"gap {MINUS}0.14 (-0.28 to +0.01), 15.9–28.9 %, 6-9, $87,072, x/÷1.53, 2-gram"
    assert figures.numbers(text) == [f"{MINUS}0.14", "-0.28", "+0.01", "15.9", "28.9", "6", "9", "87,072", "1.53", "2"]


def checked(tmp_path: Path, document: str, told: dict[str, str]) -> list[str]:
    """Returns what is wrong with a document, given figures of one bench and one tie."""
    (tmp_path / "README.md").write_text(document, encoding="utf-8")
    content = {"bench": "claims", "date": "2026-12-01", "source": "run", "kind": "in view", "other_kinds": {}}
    (tmp_path / "claims.json").write_text(json.dumps(content | {"figures": told}), encoding="utf-8")
    tie = '["README.md"]\n"figures opposed | {opposed[0,1]} ({opposed[4,5]} %) |" = "claims"\n'
    (tmp_path / "figures.toml").write_text(tie, encoding="utf-8")
    _, wrong = ties.check(tmp_path, tmp_path / "figures.toml", ties.read_figures(tmp_path))
    return wrong


OPPOSED = {"top/true/opposed": "0 of 77 (0.0 %, 95 % interval 0.0 to 4.7 %)"}


def test_a_figure_that_is_printed_as_written_is_right(tmp_path: Path) -> None:
    document = "Text.\n\n| figures\nopposed | 0 of 77 (0 to 4.7 %) |\n"
    assert checked(tmp_path, document, {"opposed": OPPOSED["top/true/opposed"]}) == []


def test_a_figure_that_differs_is_named_with_line_printed_and_written(tmp_path: Path) -> None:
    wrong = checked(
        tmp_path, "Text.\n\n| figures opposed | 0 of 76 (0 to 4.7 %) |\n", {"opposed": OPPOSED["top/true/opposed"]}
    )
    assert len(wrong) == 1
    assert wrong[0].startswith("README.md:3: prints '0 of 76', claims/opposed is 0, 77 ('0 of 77")
    assert "run, 2026-12-01" in wrong[0]


@pytest.mark.parametrize("cell", ["0 of 77 of 78", "0", "77 of 0"])
def test_more_fewer_or_other_numbers_are_wrong(tmp_path: Path, cell: str) -> None:
    document = f"| figures opposed | {cell} (0 to 4.7 %) |\n"
    assert len(checked(tmp_path, document, {"opposed": OPPOSED["top/true/opposed"]})) == 1


def test_a_figure_that_nobody_wrote_is_named(tmp_path: Path) -> None:
    wrong = checked(tmp_path, "| figures opposed | 0 of 77 (0 to 4.7 %) |\n", {"caught": "59"})
    assert set(wrong) == {"README.md:1: there is no figure claims/opposed"}


def test_words_that_are_gone_are_named(tmp_path: Path) -> None:
    wrong = checked(tmp_path, "| figures believed | 0 of 77 (0 to 4.7 %) |\n", {"opposed": "0"})
    assert len(wrong) == 1
    assert wrong[0].startswith("README.md: says nowhere 'figures opposed | {opposed[0,1]}")


def test_a_name_may_leave_out_its_table_only_where_one_table_has_it() -> None:
    known = {name: ties.Figure(name, "1", "blind", "", "") for name in ("b/one/row/x", "b/two/row/x", "b/two/row/y")}
    assert ties.find(known, "b/row/y") is known["b/two/row/y"]
    assert ties.find(known, "b/two/row/x") is known["b/two/row/x"]
    assert ties.find(known, "b/row/x") is None
    assert ties.find(known, "a/row/y") is None


def test_numbers_of_tables_that_no_figure_is_tied_to_are_found(tmp_path: Path) -> None:
    text = "| a | 12 | 3.4 |\nno table 5\n"
    printed = ties.Printed("README.md", 1, "12", 6, 8, None, "b/a", ())
    assert ties.untied(text, [printed]) == [(1, "3.4")]


def test_every_bench_is_one_function_of_one_shape_with_a_page() -> None:
    assert len(BY_NAME) == len(BENCHES) + len(MAKERS)
    for bench in BY_NAME.values():
        tree = ast.parse((Path(frame.__file__).parent / f"{bench.name}.py").read_text(encoding="utf-8"))
        (measure,) = (f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == "measure")
        assert ast.unparse(measure.args) == "inputs: Inputs"
        assert ast.unparse(measure.returns or ast.Constant(None)) == "Page"
        assert not any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(tree)), bench.name
        assert (bench in BENCHES) == bool(bench.page and bench.kind)
    for bench in BENCHES:
        assert bench.figures_file.exists(), bench.name


def test_the_list_says_what_a_bench_needs_and_what_its_figures_are_worth(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["list"]) == 0
    told = capsys.readouterr().out
    assert all(f"| {name} |" in told for name in BY_NAME)
    (claims,) = (line for line in told.splitlines() if line.startswith("| claims |"))
    assert "| in view |" in claims
    assert "docs/benchmarks/claims.md" in claims


def test_check_fails_strictly_while_the_readme_prints_figures_in_view(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["check"]) == 0
    told = capsys.readouterr().out
    in_view = int(told.split("problems; ")[1].split(" ")[0])
    assert run.main(["check", "--strict"]) == (1 if in_view else 0)


def bench_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **told: Any) -> Bench:
    """Returns a bench whose page and figures lie in a folder of the test's."""
    monkeypatch.setattr(frame, "PAGES", tmp_path)
    monkeypatch.setattr(frame, "FIGURES", tmp_path)
    monkeypatch.setattr(frame, "IMAGES", tmp_path)
    return Bench("probe", "a probe", Kind.BLIND, needs="nothing", minutes=1, page="probe.md", **told)


def test_page_and_figures_are_written_together_and_found_stale_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = bench_in(tmp_path, monkeypatch, kinds={"by_kind": Kind.DIRECT})
    drawn: list[Path] = []
    frame.write(bench, Page(TABLE, draw=drawn.append), "python bench/run.py probe --write")
    told = json.loads(bench.figures_file.read_text(encoding="utf-8"))
    assert drawn == [tmp_path]
    assert told["source"] == "run"
    assert told["figures"]["top/ours/median_error"] == "24 %"
    assert told["kind"] == "blind"
    assert told["other_kinds"] == {"by_kind/dense_a/held": "direct", "by_kind/dense_b/held": "direct"}
    assert (
        bench.file.read_text(encoding="utf-8")
        .splitlines()[2]
        .startswith("Written by `python bench/run.py probe --write` on 20")
    )
    assert frame.stale(bench) == []
    bench.file.write_text(bench.file.read_text(encoding="utf-8").replace("24 %", "25 %"), encoding="utf-8")
    assert frame.stale(bench) == [
        "docs/benchmarks/figures/probe.json: top/ours/median_error is '24 %', probe.md prints '25 %'"
    ]
    bench.file.write_text(bench.file.read_text(encoding="utf-8").replace("on 20", "on 19"), encoding="utf-8")
    assert "command or date" in frame.stale(bench)[0]
    frame.copy_figures(bench)
    assert json.loads(bench.figures_file.read_text(encoding="utf-8"))["source"] == frame.COPIED
    assert frame.stale(bench) == []


def test_a_part_of_a_page_is_written_between_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_in(tmp_path, monkeypatch, mark="<!-- here -->")
    bench.file.write_text("# By hand\n\n<!-- here -->\nold\n<!-- here -->\n\nMore by hand.\n", encoding="utf-8")
    frame.write(bench, Page("| a | b |\n|---|---|\n| x | 1 |"), "python bench/run.py probe --write")
    text = bench.file.read_text(encoding="utf-8")
    assert text.startswith("# By hand\n\n<!-- here -->\nWritten by")
    assert text.endswith("| x | 1 |\n<!-- here -->\n\nMore by hand.\n")
    assert bench.read_figures() == {"top/x/b": "1"}


def test_paths_are_found_by_default_and_named_where_they_are_missing(tmp_path: Path) -> None:
    (tmp_path / "here.csv").touch()
    options = (
        Option("here", "a table", default="here.csv", role="needed"),
        Option("gone", "a table", default="gone.csv", role="part"),
        Option("kept", "a folder", default=".cache/kept", role="made"),
        Option("n", "how many", kind=int, default=5),
    )
    bench = Bench("probe", "a probe", Kind.BLIND, needs="nothing", minutes=1, options=options)
    values = frame.told(bench, {"n": 7}, tmp_path)
    assert values["here"] == (tmp_path / "here.csv").resolve()
    assert values["gone"] is None
    assert values["kept"] == frame.ROOT / ".cache/kept"
    assert Inputs(bench, values)["n"] == 7
    assert frame.missing(bench, values) == ["gone"]
    assert frame.command(bench, {"n": 7, "gone": Path("x/y")}) == "python bench/run.py probe --gone PATH --n 7 --write"
    with pytest.raises(NotMeasuredError, match=r"here\.csv is not here: name it with --here"):
        frame.told(bench, {}, tmp_path / "elsewhere")
    with pytest.raises(NotMeasuredError, match=r"x\.csv is not here: name it with --gone"):
        frame.told(bench, {"gone": tmp_path / "x.csv"}, tmp_path)


@pytest.mark.parametrize("words", [["--data", "nowhere", "--write"], ["--quick", "--write"]])
def test_a_page_is_not_written_without_all_of_its_parts(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    name = "claims" if "--data" in words else "flop_per_token"
    assert run.main([name, *words]) == 2
    assert "is written only if every part is measured" in capsys.readouterr().err


def test_what_would_ship_otherwise_is_told_apart_from_another_date(tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    path.write_bytes(b'{"date": "2026-11-24", "n": 40}')
    assert frame.differs(Page("", ships={str(path): b'{"date": "2026-12-01", "n": 40}'})) == []
    assert frame.differs(Page("", ships={str(path): b'{"date": "2026-12-01", "n": 51}'})) == [str(path)]


def test_a_bench_runs_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["flop_per_token"]) == 0
    assert "| DeepSeek-V3 | 671.03 | 260.64 |" in capsys.readouterr().out
