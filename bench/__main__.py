"""Measures and prints a table. The machine decides the numbers, so nothing fails here; look at what it says."""

import argparse
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

from bench import access, audit, calls, catalogs, imports, policy, scale, vault
from bench.detector import measuring as detector
from bench.gateway import page
from bench.gateway.options import Options
from bench.measure import Measure
from bench.pages import measuring as pages
from bench.talking import measuring as talking

MEASURES: dict[str, ModuleType] = {
    "import": imports,
    "catalog": catalogs,
    "call": calls,
    "access": access,
    "policy": policy,
}
VAULT = "vault"  # half a minute with a rotation: only when it is named
SCALE = "scale"  # takes minutes, for a million orders half an hour: only when it is named
AUDIT = "audit"  # a million rows on both engines take minutes: only when it is named
DETECTOR = "detector"  # no times, and many lines: only when it is named
AGENTS = "agents"  # a minute, and a model's stand-in: only when it is named
PAGES = "pages"  # a million orders and a million rows take a quarter of an hour: only when it is named
GATEWAY = "gateway"  # minutes, too; all of its parts
NAMED = (DETECTOR, SCALE, GATEWAY, VAULT, AUDIT, AGENTS, PAGES, *page.PARTS)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures Tradepost and prints a table.")
    known = f"{', '.join(MEASURES)} (all of these), or {', '.join(NAMED)}"
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {known}")
    parser.add_argument("--orders", type=int, help="scale, pages: orders of the large shop (100000, 1000000)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="audit, pages: rows of the log (1000000)")
    usual = Options()
    parser.add_argument("--peers", type=Path, help="gateway: a copy of the harness in which peers/install.sh was run")
    parser.add_argument("--rounds", type=int, default=usual.rounds, help=f"gateway: turns of each row ({usual.rounds})")
    parser.add_argument(
        "--seconds", type=float, default=usual.seconds, help=f"gateway: seconds of one slice of load ({usual.seconds})"
    )
    parser.add_argument("--calls", type=int, default=usual.calls, help=f"gateway: calls for memory ({usual.calls})")
    parser.add_argument("--write", action="store_true", help="scale, gateway: write docs/scale.md, docs/gateway.md")
    parser.add_argument("--texts", type=Path, help="detector: texts of your own, JSON or JSON lines, instead of ours")
    parser.add_argument("--member", default="text", help="detector: where a text stands in an object of --texts (text)")
    given = parser.parse_args()
    for name in given.names:
        if name not in MEASURES and name not in NAMED:
            parser.error(f"there is no measure '{name}'; there are: {', '.join((*MEASURES, *NAMED))}")
    return given


def _measured(name: str, given: argparse.Namespace) -> Iterator[tuple[str, Measure]]:
    """Each measure with the command that gives it."""
    options = Options(given.peers, given.rounds, given.seconds, given.calls)
    if name == GATEWAY:
        yield from page.measures(options, write=given.write)
    elif name in page.PARTS:
        yield from ((page.command(name, options), found) for found in page.PARTS[name](options))
    elif name == DETECTOR:
        yield from ((f"python -m bench {name}", found) for found in detector.measures(given.texts, given.member))
    elif name == VAULT:
        yield from ((f"python -m bench {name}", found) for found in vault.measures())
    elif name == AGENTS:
        yield from ((f"python -m bench {name}", found) for found in talking.measures())
    elif name == AUDIT:
        yield from ((f"python -m bench {name}", found) for found in audit.measures(given.rows))
    elif name == PAGES:
        orders = given.orders or 1_000_000
        command = f"python -m bench {name} --orders {orders} --rows {given.rows}"
        yield from ((command, found) for found in pages.measures(orders, given.rows))
    elif name == SCALE:
        orders = given.orders or 100_000
        yield from ((f"python -m bench {name}", found) for found in scale.measures(orders, write=given.write))
    else:
        yield from ((f"python -m bench {name}", found) for found in MEASURES[name].measures())


def main() -> None:
    given = _arguments()
    table = Table("what", "measured", "target", "", "how", "command", box=None, pad_edge=False)
    for column in (1, 2):
        table.columns[column].justify = "right"
    for name in given.names or list(MEASURES):
        for command, found in _measured(name, given):
            table.add_row(found.name, found.shown, found.limit, found.verdict, found.note, command)
    console = Console(width=200 if not os.environ.get("COLUMNS") else None)
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.system()}")
    console.print(table)


if __name__ == "__main__":
    main()
