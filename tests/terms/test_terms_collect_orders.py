"""Orders: which options reach the target, the questions and the settings, and which values a plan file may hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hydrometer.collect import Budget, Price, Settings, orders
from hydrometer.collect.orders import Order, orders_from
from hydrometer.errors import InputError
from hydrometer.records.exchange import Request


@pytest.fixture
def probes(tmp_path: Path) -> str:
    path = tmp_path / "probes.jsonl"
    path.write_text("".join(f'{{"id": "p{k}", "prompt": "Prompt {k}?"}}\n' for k in range(40)))
    return str(path)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What a target was opened with."""
    found: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(orders, "open_target", lambda name, **given: found.append((name, given)))
    return found


def test_an_order_of_which_nothing_is_said(probes: str, opened: list[Any]) -> None:
    _, plan = Order(target="x", probes=probes).open()
    assert opened == [("x", {"model": None})]
    # Forty probes, of which four are asked in four rounds.
    assert (len(plan.canaries), len(plan.questions)) == (4, 36 + 4 * 4)
    assert {q.request for q in plan.questions} == {Request(prompt=f"Prompt {k}?") for k in range(40)}
    assert Order().settings() == Settings(concurrency=8, attempts=8, retry_failed=False, budget=Budget())


def test_everything_said_reaches_the_questions(probes: str, opened: list[Any]) -> None:
    order = Order(
        target="x", model="m", probes=probes, samples=3, canaries=0, system="Be brief.", max_tokens=17,
        temperature=0.7, top_p=0.9, seed=5, logprobs=2,
    )  # fmt: skip
    _, plan = order.open()
    assert opened == [("x", {"model": "m"})]
    assert len(plan.questions) == 120
    first = plan.questions[0].request
    assert first == Request(
        prompt="Prompt 0?", system="Be brief.", max_tokens=17, temperature=0.7, top_p=0.9, seed=5, top_logprobs=2
    )


def test_everything_said_reaches_the_settings() -> None:
    order = Order(
        concurrency=3, attempts=5, retry_failed=True, max_requests=7, max_tokens_total=11, max_usd=2.0,
        usd_per_million_in=3.0, usd_per_million_out=13.0,
    )  # fmt: skip
    budget = Budget(requests=7, tokens=11, usd=2.0, price=Price(3.0, 13.0))
    assert order.settings() == Settings(concurrency=3, attempts=5, retry_failed=True, budget=budget)


def test_endpoints_take_what_concerns_the_connection(probes: str, opened: list[Any]) -> None:
    given = {"completions": True, "key_env": "KEY", "keyring": "ring", "timeout": 7.0}
    for address in ("http://h/v1", "https://h/v1"):
        Order(target=address, model="m", probes=probes, header=("A: b: c", " X-Y:z "), **given).open()
        assert opened.pop() == (
            address,
            {
                "model": "m", "completions": True, "key_variable": "KEY", "keyring": "ring", "timeout": 7.0,
                "headers": {"A": "b: c", "X-Y": "z"},
            },
        )  # fmt: skip
    Order(target="inspect:openai/m", probes=probes, timeout=7.0).open()
    assert opened.pop() == ("inspect:openai/m", {"model": None, "timeout": 7.0})
    Order(target="https://h", model="m", probes=probes).open()
    assert opened.pop()[1]["timeout"] == 120.0


@pytest.mark.parametrize("line", ["no colon", ": value", "Name:", " : ", "Name:  "])
def test_a_header_needs_a_name_and_a_value(probes: str, opened: list[Any], line: str) -> None:
    with pytest.raises(InputError, match="--header: no usable header") as refused:
        Order(target="http://h", model="m", probes=probes, header=("Good: one", line)).open()
    # It may hold a key.
    assert line.strip(": ") == "" or line not in str(refused.value)


def test_workers_of_ray_ask_in_the_targets_place(
    probes: str, opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hydrometer.targets import ray_target

    made: list[Any] = []
    monkeypatch.setattr(ray_target, "RayTarget", lambda name, **given: made.append((name, given)))
    Order(target="folder", model="m", probes=probes, ray=3).open()
    assert (made, opened) == ([("folder", {"workers": 3, "model": "m"})], [])
    Order(target="folder", model="m", probes=probes, ray=0).open()
    assert len(opened) == 1


def test_an_order_needs_somebody_and_something_to_ask(probes: str) -> None:
    for order, said in (
        (Order(probes=probes), "ask: nobody to ask"), (Order(target="", probes=probes), "ask: nobody to ask"),
        (Order(target="x"), "--probes: nothing to ask"),
        (Order(target="x", model="a\x07", probes=probes), r"--model: .*control character"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            order.open()


def test_one_target_needs_a_store_and_a_plan_names_its_own_targets(tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    order = Order(target="x")
    assert list(orders_from(order, store=store, plan=None)) == [(order, store)]
    with pytest.raises(InputError, match="--store: nowhere to keep the answers"):
        list(orders_from(order, store=None, plan=None))
    with pytest.raises(InputError, match="--plan: a plan names its targets itself"):
        list(orders_from(order, store=store, plan=tmp_path / "p.toml"))
    with pytest.raises(InputError, match="without a price"):
        list(orders_from(Order(target="x", max_usd=1.0), store=store, plan=None))


@pytest.mark.parametrize(
    ("option", "given"),
    [("completions", True), ("key_env", "K"), ("keyring", "k"), ("header", ("A: b",))],
)  # fmt: skip
def test_options_of_endpoints_are_refused_elsewhere(tmp_path: Path, option: str, given: Any) -> None:
    order = Order(target="replay:x", **{option: given})
    with pytest.raises(InputError, match=f"^--{option.replace('_', '-')}: only endpoints take it"):
        list(orders_from(order, store=tmp_path / "s.db", plan=None))
    for address in ("http://h", "https://h", None):
        allowed = Order(target=address, **{option: given})
        assert len(list(orders_from(allowed, store=tmp_path / "s.db", plan=None))) == 1


def planned(tmp_path: Path, text: str, *, store: Path | None = None, order: Order | None = None) -> list[Any]:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return list(orders_from(order or Order(), store=store, plan=path))


def test_a_target_has_what_stands_above_all_and_its_own_before_it(tmp_path: Path) -> None:
    found = planned(
        tmp_path,
        """
        probes = "general"
        samples = 2
        max-tokens = 9
        header = ["A: b"]
        temperature = 1
        [[target]]
        address = "http://one"
        store = "one.db"
        samples = 3
        [[target]]
        address = "http://two"
        completions = true
        """,
        store=Path("both.db"),
        order=Order(seed=4, samples=7),
    )
    common = {"probes": "general", "max_tokens": 9, "header": ("A: b",), "temperature": 1.0, "seed": 4}
    assert found == [
        (Order(target="http://one", samples=3, **common), Path("one.db")),
        (Order(target="http://two", samples=2, completions=True, **common), Path("both.db")),
    ]
    assert isinstance(found[0][0].temperature, float)


ONE = '[[target]]\naddress = "x"\nstore = "s.db"\n'

BOUNDS = {
    "concurrency": (1, 1024), "samples": (1, 1000), "max_tokens": (1, 1_000_000), "temperature": (0, 2),
    "top_p": (0, 1), "logprobs": (0, 20), "attempts": (1, 100), "ray": (1, 1024),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDS)
def test_a_plans_numbers_have_the_command_lines_bounds(tmp_path: Path, name: str) -> None:
    least, most = BOUNDS[name]
    for value in (least, most):
        ((order, _),) = planned(tmp_path, f"{name} = {value}\n{ONE}")
        assert getattr(order, name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(InputError, match=f"plan.toml: '{name}' has no usable value; give .*, {least} to {most}$"):
            planned(tmp_path, f"{name} = {value}\n{ONE}")


@pytest.mark.parametrize("value", ["0.0999", "86400.5", "nan", "inf"])
def test_a_time_out_is_a_tenth_of_a_second_to_a_day(tmp_path: Path, value: str) -> None:
    for good in (0.1, 86_400):
        ((order, _),) = planned(tmp_path, f"timeout = {good}\n{ONE}")
        assert order.timeout == good
    with pytest.raises(InputError, match=r"'timeout' has no usable value; give float, 0\.1 to 86400$"):
        planned(tmp_path, f"timeout = {value}\n{ONE}")


def test_other_numbers_are_not_negative(tmp_path: Path) -> None:
    for name in ("canaries", "seed", "max_requests", "max_tokens_total", "usd_per_million_in"):
        both = "usd_per_million_out = 0\n" if name.startswith("usd") else ""
        ((order, _),) = planned(tmp_path, f"{name} = 0\n{both}{ONE}")
        assert getattr(order, name) == 0
        with pytest.raises(InputError, match=f"'{name}' has no usable value; give (int|float)"):
            planned(tmp_path, f"{name} = -1\n{both}{ONE}")


@pytest.mark.parametrize(
    "line",
    [
        "samples = true", 'samples = "3"', "samples = 3.0", "temperature = false", "completions = 1",
        'completions = "yes"', "system = 3", "model = ['m']", 'header = "A: b"', "header = [1]",
        "header = ['A: b', 1]", "seed = 1.5",
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(tmp_path: Path, line: str) -> None:
    name = line.split()[0]
    with pytest.raises(InputError, match=f"plan.toml: '{name}' has no usable value"):
        planned(tmp_path, f"{line}\n{ONE}")
    with pytest.raises(InputError, match=f"plan.toml target 1: '{name}' has no usable value"):
        planned(tmp_path, f"{ONE}{line}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("samples = 1", "names no targets"), ("target = []", "names no targets"), ("target = 3", "names no targets"),
        ("target = [1]", "names no targets"), ("[target]\naddress = 'x'", "names no targets"),
        ("samples =", "not TOML"),
        ("[[target]]\nstore = 's.db'", "target 1: 'address' is missing; add address = '...'"),
        (f"{ONE}[[target]]\naddress = 'y'", "target 2: 'store' is missing; add store = '...'"),
        (f"color = 1\n{ONE}", "unknown key 'color'; known: model, probes, concurrency"),
        (f"{ONE}target = 1", "unknown key 'target'"),
        (f"usd_per_million_in = 1\n{ONE}", "one of the two prices is missing"),
        (f"usd_per_million_in = nan\nusd_per_million_out = 1\n{ONE}", "'usd_per_million_in' has no usable value"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_used_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        planned(tmp_path, text)


def test_nothing_is_yielded_before_all_of_a_plan_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(f"{ONE}[[target]]\naddress = 'y'\nstore = 't.db'\nmax_usd = 1\n")
    with pytest.raises(InputError, match="without a price"):
        next(orders_from(Order(), store=None, plan=path))


def test_a_plan_of_more_than_a_mebibyte_is_not_read(tmp_path: Path) -> None:
    padding = 2**20 - len(ONE) - 2
    assert len(planned(tmp_path, f"#{'x' * padding}\n{ONE}")) == 1
    with pytest.raises(InputError, match="1,048,577 bytes is too large"):
        planned(tmp_path, f"#{'x' * (padding + 1)}\n{ONE}")
