"""Where a program can be changed by one operator or number, with cosmic-ray's operators.

A place is a file and a position in it. Comparisons, arithmetic, numbers, `and`, `or`, `not`, `True` and `False` count;
strings, annotations, decorators and blocks under `TYPE_CHECKING` do not.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.number_replacer import NumberReplacer
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

_ORDERED = ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")
_ARITHMETIC = ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow")
_LARGE = 100_000


class ChangeNumber(NumberReplacer):
    """Moves a small whole number by one, and scales others by a half.

    cosmic-ray adds one to every number: to 1e9 no test with a tolerance can see it, and to 0.05 none can miss it.
    """

    def mutate(self, node: Any, index: int) -> Any:
        """Returns the other number, with the white space of the one that it replaces."""
        value = parso.python.tree.Number(node.value, node.start_pos, prefix=node.prefix)
        number = eval(node.value)  # a literal, as the parser says
        if isinstance(number, int) and number < _LARGE:
            value.value = str(number + (1, -1)[index])
        else:
            value.value = repr(number * 3 / 2 if index == 0 else number / 2)
        return value


def _operators() -> dict[str, Operator]:
    names = [f"ReplaceComparisonOperator_{a}_{b}" for a in _ORDERED for b in _ORDERED if a != b]
    names += ["ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is"]
    names += [f"ReplaceBinaryOperator_{a}_{b}" for a in _ARITHMETIC for b in _ARITHMETIC if a != b]
    names += ["ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue"]
    names += ["ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_USub_UAdd"]
    return {name: get_operator(f"core/{name}")() for name in names} | {"ChangeNumber": ChangeNumber()}


OPERATORS = _operators()


@dataclass(frozen=True)
class Place:
    """A position that can be changed.

    Attributes:
        file: path from the root of the repository.
        start: line from 1, column from 0.
        end: likewise.
        changes: name of an operator, and which of the nodes that it takes in this file.
    """

    file: str
    start: tuple[int, int]
    end: tuple[int, int]
    changes: tuple[tuple[str, int], ...]


def _meant(node: Any) -> Iterator[Any]:
    """Goes through the nodes that a program computes with."""
    if node.type in {"decorator", "tfpdef", "fstring"}:
        return
    if node.type == "if_stmt" and node.children[1].get_code().strip().endswith("TYPE_CHECKING"):
        return
    yield node
    children = list(getattr(node, "children", ()))
    if node.type == "funcdef" and node.annotation is not None:
        children.remove(node.annotation)
    elif node.type == "annassign":
        del children[1]
    for child in children:
        yield from _meant(child)


def _is_arithmetic(operator: Any) -> bool:
    """Neither the star of a parameter list nor an operator on strings."""
    beside = operator.parent.children
    text = any(node.type in {"string", "strings", "fstring"} for node in beside)
    return operator.parent.type in {"arith_expr", "term", "power"} and not text


def places(source: str, file: str) -> list[Place]:
    """Returns what can be changed in a file, in its order."""
    tree = get_ast(source)
    meant = {id(node) for node in _meant(tree)}
    found: dict[tuple[tuple[int, int], tuple[int, int]], list[tuple[str, int]]] = {}
    seen = dict.fromkeys(OPERATORS, 0)
    for node in ast_nodes(tree):
        for name, operator in OPERATORS.items():
            for position in operator.mutation_positions(node):
                arithmetic = not name.startswith("ReplaceBinary") or _is_arithmetic(node)
                if id(node) in meant and arithmetic:
                    found.setdefault(position, []).append((name, seen[name]))
                seen[name] += 1
    return [Place(file, start, end, tuple(changes)) for (start, end), changes in sorted(found.items())]


def mutant(source: str, change: tuple[str, int]) -> str:
    """Returns the file with one change."""
    name, occurrence = change
    changed = mutate_code(source, OPERATORS[name], occurrence)
    assert changed is not None, "the place was counted in this source"
    return str(changed)


def squash(line: str) -> str:
    """Returns a line without the white space that a formatter may change."""
    return re.sub(r"\s+", " ", line).strip()


def sample(root: Path, areas: dict[str, str], *, n: int, seed: int) -> tuple[dict[str, int], list[Place]]:
    """Draws places, each area in proportion to its size, and one change for every place.

    Returns:
        How many places every area has; the places drawn, in the order of areas, files and lines.
    """
    whole = {}
    for area, folder in areas.items():
        files = sorted((root / folder).rglob("*.py"))
        whole[area] = [p for f in files for p in places(f.read_text(encoding="utf-8"), f.relative_to(root).as_posix())]
    total = sum(map(len, whole.values()))
    share = {area: min(n, total) * len(found) / total for area, found in whole.items()}
    take = {area: int(size) for area, size in share.items()}
    for area in sorted(share, key=lambda area: take[area] - share[area])[: min(n, total) - sum(take.values())]:
        take[area] += 1
    drawn = []
    for area, found in whole.items():
        rng = random.Random(f"{seed} {area}")
        chosen = sorted(rng.sample(found, take[area]), key=lambda p: (p.file, p.start))
        drawn += [replace(place, changes=(rng.choice(place.changes),)) for place in chosen]
    return {area: len(found) for area, found in whole.items()}, drawn
