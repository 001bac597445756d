"""s1 in small: the task and its verifier, choosing, budget forcing, the whole command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrometer.errors import InputError
from hydrometer.lab import reasoning as task
from hydrometer.lab.choose import choose, is_right, is_well_formed
from hydrometer.stats.thinking import thinking_metrics

RECIPE = """
chosen = 12
seeds = [0, 1]
arms = ["s1", "random"]
[model]
kind = "llama"
hidden_size = 16
layers = 1
heads = 2
kv_heads = 2
intermediate_size = 16
[pretraining]
tokens = 1500
batch = 4
sequence_length = 24
precision = "fp32"
[pool]
traces = 300
[tuning]
epochs = 1
[testing]
questions = 12
digits = [3, 4]
limits = [0, 3]
waits = [1]
most = 20
[bill]
peak_flop_per_second = 1e9
usd_per_device_hour = 2.0
date = 2026-11-25
source = "a test"
"""


def traces(n: int, **changes: Any) -> list[task.Trace]:
    values: dict[str, Any] = {
        "kinds": {kind: 1 / len(task.KINDS) for kind in task.KINDS},
        "rules": {rule: 1 / len(task.RULES) for rule in task.RULES},
        "digits": (3, 9),
        "slips": 0.05,
    }
    return list(task.make_traces(n, np.random.default_rng(3), task.Mix(**(values | changes))))


@pytest.mark.parametrize(
    ("rule", "answer"),
    [("sum", 7 + 5 + 3 - 10), ("product", 5), ("largest", 7), ("smallest", 3), ("odds", 3), ("triples", 5)],
)
def test_rules(rule: str, answer: int) -> None:
    assert task.Problem(rule, (7, 5, 3)).truth == answer


@given(st.sampled_from(task.RULES), st.lists(st.integers(0, 9), min_size=2, max_size=12), st.integers(0, 9))
def test_every_order_of_the_digits_leads_to_the_same_answer(rule: str, digits: list[int], number: int) -> None:
    question = task.Problem(rule, tuple(digits))
    assert sorted(task.order_of(len(digits), number)) == list(range(len(digits)))
    assert task.one_pass(question, number, np.random.default_rng(0), slips=0.0)[1] == question.truth


def test_kinds_of_traces_are_what_they_say() -> None:
    found = traces(1500)
    by_kind = {kind: [t for t in found if t.kind == kind] for kind in task.KINDS}
    for kind in ("careful", "direct"):
        assert all(is_well_formed(t) and is_right(t) for t in by_kind[kind])
    assert not any(is_right(t) for t in by_kind["wrong"])
    assert all(is_well_formed(t) for t in by_kind["wrong"] + by_kind["checked"])
    assert np.mean([is_right(t) for t in by_kind["checked"]]) > 0.9
    assert np.mean([is_well_formed(t) for t in by_kind["garbled"]]) < 0.05
    assert np.mean([is_well_formed(t) for t in by_kind["rambling"]]) < 0.05


@given(st.lists(st.sampled_from(task.VOCABULARY), max_size=12))
def test_the_verifier_takes_any_words(words: list[str]) -> None:
    answer = task.answer_of(words)
    assert answer is None or (words[-2] == task.ANSWER and answer == int(words[-1]))


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("answer 4", 4),
        ("a 7 7 b 5 2 so 2 answer 2", 2),
        ("a 7 7 so 7 wait a 7 7 so 7 answer 7", 7),
        ("a 7 7 so 7", None),
        ("a 7 so 7 answer 7", None),
        ("a 7 7 answer 7", None),
        ("a 7 7 so 7 a 7 7 so 7 answer 7", None),
        ("a 7 7 so answer 7", None),
        ("answer 7 answer 7", None),
        ("", None),
    ],
)
def test_the_form_of_traces(words: str, answer: int | None) -> None:
    assert task.answer_of(words.split()) == answer


def test_questions_of_the_test_are_kept_out() -> None:
    small = {"digits": (2, 2), "rules": {"sum": 1.0}}
    without = frozenset(task.Problem("sum", (i, j)) for i in range(10) for j in range(9))
    mix = task.Mix(kinds={"direct": 1.0}, slips=0.0, **small)  # type: ignore[arg-type]
    found = list(task.make_traces(50, np.random.default_rng(0), mix, without=without))
    assert {t.question.digits[1] for t in found} == {9}


def test_choices() -> None:
    pool = traces(3000, rules={"sum": 0.8, "largest": 0.1, "odds": 0.1})
    good_N = np.array([is_well_formed(t) and is_right(t) for t in pool])
    hard_N = np.array([i % 2 == 0 for i in range(len(pool))])

    def chosen(arm: Any) -> list[int]:
        found = choose(pool, arm, n=150, good_N=good_N, hard_N=hard_N, rng=np.random.default_rng(0))
        assert len(set(found)) == 150
        return found

    def share(places: list[int], rule: str) -> float:
        return float(np.mean([pool[i].question.rule == rule for i in places]))

    for arm in ("s1", "random", "diverse", "longest"):
        assert all(is_well_formed(pool[i]) and is_right(pool[i]) for i in chosen(arm))
    assert any(not is_right(pool[i]) for i in chosen("unfiltered"))
    assert all(i % 2 == 0 for i in chosen("s1"))
    assert share(chosen("s1"), "odds") == pytest.approx(1 / 3, abs=0.12)
    assert share(chosen("diverse"), "odds") == pytest.approx(1 / 3, abs=0.12)
    assert share(chosen("random"), "sum") == pytest.approx(0.8, abs=0.12)
    length = {arm: np.mean([len(pool[i].words) for i in chosen(arm)]) for arm in ("s1", "random", "longest")}
    assert length["random"] < length["s1"] < length["longest"]
    with pytest.raises(InputError, match=r"traces are left for 's1', 2,900 are wanted"):
        choose(pool, "s1", n=2900, good_N=good_N, hard_N=hard_N, rng=np.random.default_rng(0))


def test_metrics_of_thinking() -> None:
    # Slopes of the three pairs: 0.2 / 10, 0.3 / 30, 0.1 / 20.
    found = thinking_metrics([10, 20, 40], [0.5, 0.7, 0.8], kept=9, n_runs=10)
    assert found.scaling == pytest.approx((0.02 + 0.01 + 0.005) / 3)
    assert (found.control, found.performance) == (0.9, 0.8)
    assert np.isnan(thinking_metrics([5], [0.5], kept=1, n_runs=1).scaling)
    with pytest.raises(ValueError, match="as many accuracies"):
        thinking_metrics([], [], kept=0, n_runs=1)


# What follows trains, and needs torch.


class Scripted:
    """A decoder that writes what the test says, one list a question, whatever it reads."""

    script: tuple[list[int], ...] = ()

    def __init__(self, model: Any) -> None:
        self.rows = [list(row) for row in self.script]
        self.read: list[Any] = []

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *problem: object) -> None: ...

    def logits(self, fresh: Any) -> Any:
        import torch

        assert len(fresh) == len(self.rows)
        logits = torch.zeros(len(self.rows), 1, 20)
        for i, row in enumerate(self.rows):
            logits[i, 0, row.pop(0)] = 1.0
        return logits

    def keep(self, rows: list[int]) -> None:
        self.rows = [self.rows[i] for i in rows]


def test_thinking_is_cut_and_made_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="the lab needs torch: make lab-ready")
    from hydrometer.lab import budget

    end, wait = 18, 19
    monkeypatch.setattr(budget, "Decoder", Scripted)

    def think(script: list[list[int]], limit: int, waits: int) -> list[budget.Thought]:
        monkeypatch.setattr(Scripted, "script", tuple(script))
        delimiters = budget.Delimiters(answer=end, wait=wait)
        prompts = torch.ones(len(script), 2, dtype=torch.long)
        model: Any = None
        return budget.think(model, prompts, limit=limit, waits=waits, delimiters=delimiters)

    # It ends by itself after two tokens; the other is cut after three, and what it wanted to say is not taken.
    first, second = think([[1, 2, end, 7], [1, 2, 3, 4, 8]], limit=3, waits=0)
    assert (first.thinking, first.answer, first.cut) == ((1, 2), 7, False)
    assert (second.thinking, second.answer, second.cut) == ((1, 2, 3), 8, True)
    # Nothing may be thought: the delimiter is the first token.
    (none,) = think([[5, 9]], limit=0, waits=0)
    assert (none.thinking, none.answer, none.cut) == ((), 9, True)
    # The first two ends are replaced; the third stands.
    (longer,) = think([[1, end, 2, end, 3, end, 6]], limit=10, waits=2)
    assert (longer.thinking, longer.answer, longer.waits) == ((1, wait, 2, wait, 3), 6, 2)
    # The limit holds where ends are replaced, too.
    (cut,) = think([[1, end, end, end, 6]], limit=3, waits=5)
    assert (cut.thinking, cut.answer, cut.cut, cut.waits) == ((1, wait, wait), 6, False, 2)


def test_only_what_follows_think_is_learnt() -> None:
    torch = pytest.importorskip("torch", reason="the lab needs torch: make lab-ready")
    from hydrometer.lab.quick import NOT_LEARNT, head_loss
    from hydrometer.lab.s1 import after_think

    think, end = task.TOKEN[task.THINK], 0
    tokens = torch.tensor([[9, 8, think, 4, 5, end, end], [9, think, 4, 5, 6, 7, end]])
    assert after_think(tokens).tolist() == [
        [False, False, True, True, True, False],
        [False, True, True, True, True, True],
    ]
    logits = torch.randn(2, 6, 12, generator=torch.Generator().manual_seed(0))
    learnt = after_think(tokens)
    by_hand = -torch.log_softmax(logits, -1).gather(-1, tokens[:, 1:, None])[..., 0][learnt].mean()
    targets = tokens[:, 1:].masked_fill(~learnt, NOT_LEARNT)
    found = head_loss(logits.flatten(0, 1), torch.eye(12), targets.flatten())
    assert float(found) == pytest.approx(float(by_hand))


def test_the_whole_command_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="the lab needs torch: make lab-ready")
    pytest.importorskip("transformers", reason="the lab needs transformers: make lab-ready")
    from hydrometer import cli
    from hydrometer.lab import s1
    from hydrometer.lab.recipes import read_recipe
    from hydrometer.lab.s1_records import S1Recipe

    path, out = tmp_path / "s1.toml", tmp_path / "out"
    path.write_text(RECIPE)
    recipe = read_recipe(path, S1Recipe)[0]

    class Stopped(BaseException):
        pass

    def stop(what: str, done: int, total: int) -> None:
        if (what, done) == ("Models", 3):
            raise Stopped

    with pytest.raises(Stopped):
        s1.s1(recipe, out, progress=stop)
    trained = []
    real = s1.tune
    monkeypatch.setattr(s1, "tune", lambda *a, **k: (trained.append(k["arm"]), real(*a, **k))[1])
    with pytest.raises(SystemExit) as status:
        cli.main(["lab", "s1", str(path), "--out", str(out), "--picture", str(tmp_path / "a.svg"), "--json"])
    assert status.value.code in (0, None)
    found = json.loads(capsys.readouterr().out)
    assert trained == ["random", "random"]
    assert [a["arm"] for a in found["arms"]] == ["base", "s1", "random"]
    mine = found["arms"][1]
    assert [(p["limit"], p["waits"]) for p in mine["points"]] == [(0, 0), (3, 0), (20, 0), (20, 1)]
    assert mine["points"][0]["thinking_tokens"] == 0
    assert mine["points"][1]["thinking_tokens"] <= 3
    assert mine["control"] == 1.0
    assert all(p["low"] <= p["accuracy"] <= p["high"] for p in mine["points"])
    assert found["pool"]["all"] == 300
    assert found["pool"]["and right"] < found["pool"]["well formed"] < 300
    assert found["bill"][0]["stage"] == "pre-training of the base"
    assert found["bill"][2]["tokens_learnt"] > 0
    for row in found["bill"]:
        assert row["usd"] == pytest.approx(row["device_seconds"] / 3600 * 2.0)
    assert len((out / "chosen/s1-0.txt").read_text().splitlines()) == 12
    assert "thinking tokens" in (tmp_path / "a.svg").read_text()
    path.write_text(RECIPE.replace("chosen = 12", "chosen = 13"))
    with pytest.raises(InputError, match="the work of another recipe"):
        s1.s1(read_recipe(path, S1Recipe)[0], out, progress=lambda what, done, total: None)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("[pool]\n", "[pool]\nkinds = { direct = 0.5 }\n", "the shares of kinds add up to 0.5"),
        ("[pool]\n", "[pool]\nrules = { guess = 1.0 }\n", "unknown rule 'guess'"),
        ("digits = [3, 4]", "digits = [4, 3]", "digits 4 to 3"),
        ("digits = [3, 4]", "digits = [3, 40]", "digits 3 to 40"),
        ("limits = [0, 3]", "limits = [0, 30]", "a limit above `most`"),
        ('"random"', '"cheapest"', "arms"),
    ],
)
def test_a_bad_recipe_gets_one_line(old: str, new: str, line: str, tmp_path: Path) -> None:
    from hydrometer.lab.recipes import read_recipe
    from hydrometer.lab.s1_records import S1Recipe

    path = tmp_path / "s1.toml"
    path.write_text(RECIPE.replace(old, new, 1))
    with pytest.raises(InputError) as error:
        read_recipe(path, S1Recipe)
    assert line in str(error.value)
    assert "\n" not in str(error.value)
