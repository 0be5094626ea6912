"""Measures and prints a table. The machine decides the numbers, so nothing fails here; look at what it says."""

import argparse
import os
import platform
from types import ModuleType

from rich.console import Console
from rich.table import Table

from bench import calls, catalogs, imports

MEASURES: dict[str, ModuleType] = {"import": imports, "catalog": catalogs, "call": calls}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures Tradepost and prints a table.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(MEASURES)} (all)")
    names = parser.parse_args().names or list(MEASURES)
    for name in names:
        if name not in MEASURES:
            parser.error(f"there is no measure '{name}'; there are: {', '.join(MEASURES)}")
    table = Table("what", "measured", "target", "", "how", "command", box=None, pad_edge=False)
    for column in (1, 2):
        table.columns[column].justify = "right"
    for name in names:
        for found in MEASURES[name].measures():
            target = "" if found.target is None else f"{found.target:g} {found.unit}"
            value = f"{found.value:,.{2 if found.value < 100 else 0}f} {found.unit}"
            table.add_row(found.name, value, target, found.verdict, found.note, f"python -m bench {name}")
    console = Console(width=200 if not os.environ.get("COLUMNS") else None)
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.system()}")
    console.print(table)


if __name__ == "__main__":
    main()
