"""Lists, runs and checks every bench: what each figure of the README and the docs rests on.

    python bench/run.py list                   # what there is, what each needs, and what its figures are worth
    python bench/run.py claims                 # runs one and prints its page
    python bench/run.py claims --write         # writes page and figures
    python bench/run.py prices --help          # what one can be told
    python bench/run.py all                    # every one that needs nothing that is not here, one after the other
    python bench/run.py check                  # do README and docs print the figures that were written?

Data that are not part of the project are looked for in `../shared/data`, or where `--data` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import frame
import ties
from frame import Bench, Inputs, Kind
from table import BENCHES, BY_NAME, MAKERS

TIES = frame.ROOT / "docs/figures.toml"
README = "README.md"


def parser() -> argparse.ArgumentParser:
    """Returns the command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND or NAME")
    commands.add_parser("list", help="what there is, what each needs, and what its figures are worth")
    check = commands.add_parser("check", help="whether README and docs print the figures that were written")
    check.add_argument("--strict", action="store_true", help="fail where the README prints figures in view")
    check.add_argument("--untied", action="store_true", help="list numbers of tables that no figure is tied to")
    everything = commands.add_parser("all", help="run every bench that needs nothing that is not here")
    everything.add_argument("--minutes", type=float, default=10, help="leave out what takes longer (default: 10)")
    copy = commands.add_parser("copy", help="take figures from a page as it stands, marked as not run again")
    copy.add_argument("name", choices=[bench.name for bench in BENCHES])
    for command in (everything, *(_add(commands, bench) for bench in BY_NAME.values())):
        command.add_argument("--data", type=Path, default=frame.DATA, help="data that are not part of the project")
        command.add_argument("--write", action="store_true", help="write page, pictures and figures")
    return top


def _add(commands: Any, bench: Bench) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(bench.name, help=bench.measures)
    for option in bench.options:
        if option.kind is bool:
            command.add_argument(f"--{option.name}", action="store_true", default=None, help=option.help)
        else:
            told = f"{option.help} (default: {option.default})" if option.default is not None else option.help
            command.add_argument(f"--{option.name}", type=option.kind, help=told)
    command.add_argument("--quick", action="store_true", help="less of everything; nothing is written")
    command.add_argument("--ship", action="store_true", help="write the data that ship with the package")
    return command


def list_benches() -> None:
    """Prints the table."""
    printed, _ = ties.check(frame.ROOT, TIES, ties.read_figures(frame.FIGURES))
    print("| name | measures | kind of figure | in view in the README | needs | minutes | page |")
    print("|---|---|---|---|---|---|---|")
    for bench in BENCHES:
        seen = sum(p.figure is not None and p.name.startswith(f"{bench.name}/") for p in _in_view(printed))
        kind = " and ".join(dict.fromkeys([str(bench.kind), *map(str, bench.kinds.values())]))
        print(f"| {bench.name} | {bench.measures} | {kind} | {seen or '-'} | {bench.needs} | {bench.minutes:g} | "
              f"docs/benchmarks/{bench.page} |")  # fmt: skip
    print("\n| name | makes | needs | minutes |\n|---|---|---|---|")
    for maker in MAKERS:
        print(f"| {maker.name} | {maker.measures} | {maker.needs} | {maker.minutes:g} |")


def _in_view(printed: Sequence[ties.Printed]) -> list[ties.Printed]:
    """Returns what the README prints of figures in view."""
    return [p for p in printed if p.document == README and p.figure is not None and p.figure.kind == Kind.IN_VIEW]


def problems() -> tuple[list[ties.Printed], list[str]]:
    """Returns what the documents print, and what is wrong: with them, or between a page and its figures."""
    printed, found = ties.check(frame.ROOT, TIES, ties.read_figures(frame.FIGURES))
    for bench in BENCHES:
        found += frame.stale(bench)
    return printed, found


def check(*, strict: bool, untied: bool) -> int:
    """Prints what is wrong; returns the exit status."""
    printed, found = problems()
    print("\n".join(found), end="\n" if found else "")
    seen = _in_view(printed)
    if strict:
        found += [f"{p.document}:{p.line}: {p.name} is in view" for p in seen]
        print("\n".join(found[-len(seen) :] if seen else []))
    if untied:
        for document in dict.fromkeys(p.document for p in printed):
            text = (frame.ROOT / document).read_text(encoding="utf-8")
            for line, number in ties.untied(text, [p for p in printed if p.document == document]):
                print(f"{document}:{line}: {number} is tied to no figure")
    print(f"{len(printed)} figures in {len({p.document for p in printed})} documents, {len(found)} problems; "
          f"{len(seen)} of the README's are in view.")  # fmt: skip
    return 1 if found else 0


def run(bench: Bench, given: dict[str, Any], options: argparse.Namespace) -> None:
    """Runs one bench, prints its page, and writes what is asked for."""
    values = frame.told(bench, given, options.data)
    gone = frame.missing(bench, values)
    quick, ship = getattr(options, "quick", False), getattr(options, "ship", False)
    if (options.write or ship) and (gone or quick):
        why = f"name {', '.join('--' + name for name in gone)}" if gone else "leave --quick out"
        raise frame.NotMeasuredError(f"{bench.name} is written only if every part is measured: {why}")
    page = frame.measure(Inputs(bench, values, quick=quick))
    print(page.text)
    written = frame.write(bench, page, frame.command(bench, given)) if options.write and bench.page else []
    if ship:
        written += frame.ship(page)
    for name in frame.differs(page):
        print(f"{name} would ship otherwise than it does (--ship)", file=sys.stderr)
    for path in written:
        print(f"written: {path.relative_to(frame.ROOT)}", file=sys.stderr)


def run_all(options: argparse.Namespace) -> int:
    """Runs every bench that needs nothing that is not here; returns how many could not be run to their end."""
    failed = 0
    for bench in BENCHES:
        if bench.minutes > options.minutes or "torch" in bench.needs:
            print(f"left out: {bench.name} ({bench.needs}; {bench.minutes:g} minutes)", file=sys.stderr)
            continue
        try:
            run(bench, {}, options)
        except frame.NotMeasuredError as reason:
            print(f"left out: {reason}", file=sys.stderr)
        except Exception as error:  # the others can still be measured
            failed += 1
            print(f"failed: {bench.name}: {type(error).__name__}: {error}", file=sys.stderr)
    return failed


def main(words: Sequence[str] | None = None) -> int:
    """Does what the command line says; returns the exit status."""
    options = parser().parse_args(words)
    if options.command == "list":
        list_benches()
    elif options.command == "check":
        return check(strict=options.strict, untied=options.untied)
    elif options.command == "all":
        return min(1, run_all(options))
    elif options.command == "copy":
        frame.copy_figures(BY_NAME[options.name])
    else:
        bench = BY_NAME[options.command]
        named = {option.name: getattr(options, option.name.replace("-", "_")) for option in bench.options}
        try:
            run(bench, {name: value for name, value in named.items() if value is not None}, options)
        except frame.NotMeasuredError as reason:
            print(f"not measured: {reason}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
