"""The hub beside direct calls, a pass-through yardstick and other gateways: the harness's one interleaved run.

The hub is governed fully: an agent's key, an assigned and pinned tool, policy, every call in the audit. Ratios to
direct calls of the same moment and CPU per call are what counts: machines are shared.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from bench.gateway.harness import installed_peers, joined
from bench.gateway.options import Options
from bench.gateway.yardstick import scaled
from bench.measure import Measure
from bench.processes import SOURCES, environment

HUB, DIRECT, YARDSTICK, LARGE_PEER = "tradepost", "direct", "pt:uvicorn+pool", "contextforge"
NEW, OLD = "2026-07-28", "2025-11-25"
CPU_MS, SHARE_OF_DIRECT, ADDED_MS, P99_MS, OLD_OVER_NEW, TIMES_LARGE_PEER = 0.2, 0.15, 0.5, 10.0, 1.25, 100.0
SHOWN = {"added_p50": "added p50 at 1 client", "p99_c16": "p99 at 16 clients"}
Row = dict[str, Any]


def compared(options: Options) -> list[Row]:
    """Run the harness. Raises RuntimeError when the hub was not measured in both protocols."""
    with joined(options.peers) as copy:
        command = [str(copy / ".venvs" / "bench" / "bin" / "python"), "with_hub.py"]
        command += ["--rounds", str(options.rounds), "--seconds", str(options.seconds), "--out", str(copy / "out.json")]
        env = environment(HUB_PYTHON=sys.executable, HUB_PATH=SOURCES, BENCH_PEERS=" ".join(_peers(options)))
        subprocess.run(command, cwd=copy, env=env, stdout=subprocess.DEVNULL, check=True)
        rows: list[Row] = json.loads((copy / "out.json").read_text("utf-8"))["rows"]
    for protocol in (NEW, OLD):
        _row(rows, HUB, protocol)
    return rows


def _peers(options: Options) -> list[str]:
    """Peers that are installed; those on Node share one folder."""
    on_node = ["mcp-hub", "supergateway"]
    has_node = options.peers is not None and (options.peers / "peers" / "npm" / "node_modules").is_dir()
    named = {"bench": "sdk-server", "mcpproxy": "mcp-proxy"}
    found = [named.get(name, name) for name in installed_peers(options.peers)]
    return [*found, *(on_node if has_node else [])]


def _row(rows: Sequence[Row], name: str, protocol: str) -> Row:
    found = next((row for row in rows if row["row"] == name and row["proto"] == protocol), None)
    if found is None or "failed" in found:
        why = found["failed"] if found else "there is no row of it"
        raise RuntimeError(f"{name} was not measured with {protocol}: {why}")
    return found


def targets(rows: Sequence[Row]) -> Iterator[Measure]:
    """What the hub has to reach in that run."""
    hub, yardstick = _row(rows, HUB, NEW), _row(rows, YARDSTICK, NEW)
    here = yardstick["cpu_s_per_1000"]
    limit, why = scaled(CPU_MS, here)
    yield Measure("CPU per governed call", hub["cpu_s_per_1000"], "ms", limit, why)
    share = f"all steps on, audited; the yardstick {yardstick['rps_ratio']:.2f}"
    yield Measure("calls/s at 64 clients, of direct's", hub["rps_ratio"], "", SHARE_OF_DIRECT, share, at_least=True)
    for name, unscaled in (("added_p50", ADDED_MS), ("p99_c16", P99_MS)):
        limit, why = scaled(unscaled, here)
        yield Measure(SHOWN[name], hub[name], "ms", limit, f"{why}; the yardstick {yardstick[name]:.2f} ms")
    old = _row(rows, HUB, OLD)
    times = {
        "CPU": old["cpu_s_per_1000"] / hub["cpu_s_per_1000"],
        "calls/s": hub["rps_ratio"] / old["rps_ratio"],
        "added p50": old["added_p50"] / hub["added_p50"],
    }
    said = ", ".join(f"{what} {value:.2f}" for what, value in times.items())
    yield Measure(f"{OLD} over {NEW}, the worst of three", max(times.values()), "times", OLD_OVER_NEW, said)
    wrong = sum(row["errors"] for row in (hub, old))
    yield Measure("wrong or missing answers of the hub", wrong, "", 0, f"of {hub['calls'] + old['calls']:,} calls")
    large = next((row for row in rows if row["row"] == LARGE_PEER and "failed" not in row), None)
    if large is not None and large["rps_c64"]:  # on a machine that is busy it may not answer one in its slice
        factor = hub["rps_c64"] / large["rps_c64"]
        yield Measure("calls/s at 64 over ContextForge's", factor, "times", TIMES_LARGE_PEER, "", at_least=True)


def measures(options: Options) -> Iterator[Measure]:
    """The run, and what the hub has to reach in it."""
    yield from targets(compared(options))


def table(rows: Sequence[Row]) -> Iterator[str]:
    """All rows, for the page."""
    yield "| | protocol | p50 at 1 | added | p99 at 16 | calls/s at 64 | of direct's | CPU per call | memory | wrong |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for row in rows:
        if "failed" in row:
            yield f"| {row['row']} | {row['proto']} | not measured |" + " |" * 7
            continue
        cells = [
            row["row"],
            row["proto"],
            *(_cell(row[name], ".2f", "ms") for name in ("p50_c1", "added_p50", "p99_c16")),
            _cell(row["rps_c64"], ",.0f"),
            _cell(row["rps_ratio"], ".3f"),
            _cell(row["cpu_s_per_1000"], ".3f", "ms"),
            _cell(row["rss_mb"], ".0f", "MiB"),
            f"{row['errors']} of {row['calls']:,}",
        ]
        yield f"| {' | '.join(cells)} |"


def _cell(value: float | None, digits: str, unit: str = "") -> str:
    """A number; nothing where there was nothing to measure, or no answer in time."""
    return "" if value is None else f"{value:{digits}} {unit}".rstrip()
