"""Everything about the gateway in one go, and docs/gateway.md: each number with the command that gives it again."""

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.gateway import agents, boot, bundled, fanout, faults, many, memory, peers
from bench.gateway.options import Options
from bench.gateway.yardstick import CPU_MS_THERE
from bench.measure import Measure

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "gateway.md"
PEERS = "gateway-peers"
PARTS: dict[str, Callable[[Options], Iterator[Measure]]] = {
    PEERS: peers.measures,
    "gateway-bundled": bundled.measures,
    "gateway-many": many.measures,
    "gateway-faults": faults.measures,
    "gateway-agents": agents.measures,
    "gateway-boot": boot.measures,
    "gateway-fanout": fanout.measures,
    "gateway-memory": memory.measures,
}
Found = list[tuple[str, Measure]]  # each with the command that gives it


def measures(options: Options, *, write: bool) -> Found:
    """All parts; `write` puts them into docs/gateway.md."""
    rows = peers.compared(options)
    found = [(command(PEERS, options), measure) for measure in peers.targets(rows)]
    for name, part in PARTS.items():
        if name != PEERS:
            found += [(command(name, options), measure) for measure in part(options)]
    if write:
        DOCUMENT.write_text(document(rows, found, options), encoding="utf-8")
    return found


def command(name: str, options: Options) -> str:
    """How to get the numbers of one part, or of all, again."""
    usual = Options()
    given = []
    if name in ("gateway", PEERS) and options.peers is not None:
        given.append("--peers FOLDER")
    if name in ("gateway", "gateway-memory") and options.calls != usual.calls:
        given.append(f"--calls {options.calls}")
    if name in ("gateway", PEERS, "gateway-many", "gateway-faults"):
        given += [f"--rounds {options.rounds}"] if options.rounds != usual.rounds else []
        given += [f"--seconds {options.seconds:g}"] if options.seconds != usual.seconds else []
    return " ".join(["python -m bench", name, *given])


def document(rows: Sequence[peers.Row], found: Found, options: Options) -> str:
    """docs/gateway.md."""
    again = command("gateway", options).removeprefix("python -m bench ") + " --write"
    lines = [
        "# What the hub adds to a call",
        "",
        "Every number of one run on one machine, beside the most (or least) it may be and the command that gives it",
        "again. All of it, and this page:",
        "",
        f'    make bench ARGS="{again}"',
        "",
        f"{os.cpu_count()} processors, Python {platform.python_version()}, {datetime.now(UTC).date().isoformat()}"
        f"{_load()}. Other work on the machine makes every time longer: ratios within",
        "the run are what counts. So limits in milliseconds, which were set where the bare pass-through takes",
        f"{CPU_MS_THERE:g} ms of CPU per call, are multiplied by what it takes here over that.",
        "",
        "## One tool of one server",
        "",
        "The harness of `../shared/bench/gateway` sends the same call straight to a server, through a bare",
        f"pass-through (`{peers.YARDSTICK}`: no policy, no audit), through the hub with an agent's key, an assigned",
        "and pinned tool and an audit row for each call, and through other gateways where they are installed",
        "(`peers/install.sh` in a copy of the harness, then `--peers FOLDER`). All have their turn in each round;",
        'every answer, of 2.4 KB, is checked. "At 16" is with so many clients at once.',
        "",
        *peers.table(rows),
        "",
        "## What is asked of it",
        "",
        "| what | measured | may be | | how | command |",
        "|---|--:|--:|---|---|---|",
        *(_line(*one) for one in found),
    ]
    return "\n".join(lines) + "\n"


def _line(how: str, measure: Measure) -> str:
    said = {"ok": "holds", "MISSED": "missed"}.get(measure.verdict, "")
    return f"| {measure.name} | {measure.shown} | {measure.limit} | {said} | {measure.note} | `{how}` |"


def _load() -> str:
    """How busy the machine was, where it says so."""
    return f", load {os.getloadavg()[2]:.1f}" if hasattr(os, "getloadavg") else ""
