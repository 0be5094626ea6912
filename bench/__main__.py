"""Measures and prints a table. The machine decides the numbers, so nothing fails here; look at what it says."""

import argparse
import os
import platform
from types import ModuleType

from rich.console import Console
from rich.table import Table

from bench import calls, catalogs, imports, scale

MEASURES: dict[str, ModuleType] = {"import": imports, "catalog": catalogs, "call": calls}
SCALE = "scale"  # takes minutes, for a million orders half an hour: only when it is named


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures Tradepost and prints a table.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(MEASURES)} (all of these), or {SCALE}"
    )
    parser.add_argument("--orders", type=int, default=100_000, help="scale: orders of the large shop (100000)")
    parser.add_argument("--write", action="store_true", help="scale: write docs/scale.md")
    given = parser.parse_args()
    names = given.names or list(MEASURES)
    for name in names:
        if name != SCALE and name not in MEASURES:
            parser.error(f"there is no measure '{name}'; there are: {', '.join(MEASURES)}, {SCALE}")
    table = Table("what", "measured", "target", "", "how", "command", box=None, pad_edge=False)
    for column in (1, 2):
        table.columns[column].justify = "right"
    for name in names:
        measured = scale.measures(given.orders, write=given.write) if name == SCALE else MEASURES[name].measures()
        for found in measured:
            target = "" if found.target is None else f"{found.target:g} {found.unit}"
            value = f"{found.value:,.{2 if found.value < 100 else 0}f} {found.unit}"
            table.add_row(found.name, value, target, found.verdict, found.note, f"python -m bench {name}")
    console = Console(width=200 if not os.environ.get("COLUMNS") else None)
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.system()}")
    console.print(table)


if __name__ == "__main__":
    main()
