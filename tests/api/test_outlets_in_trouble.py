"""Where what leaves a hub is not taken: calls go on, memory is bounded, what is lost is counted, and said once."""

from __future__ import annotations

import asyncio
import logging
import resource
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from tests.api.collector import collecting
from tests.api.test_outlets import call, lines
from tests.api.world import Side
from tradepost.app import Tradepost
from tradepost.foundation.logs import JsonFormatter, Lines
from tradepost.hub.telemetry.audit_file import AuditFiles
from tradepost.hub.telemetry.opening import Opened, Outlets, open_outlets
from tradepost.hub.telemetry.spans import MOST
from tradepost.hub.telemetry.stream import Streamed

SPANS = MOST + 500
TROUBLES = ("nobody listens", "silence", "drips", "500", "closes")
Seen = pytest.LogCaptureFixture


@asynccontextmanager
async def troubled(kind: str) -> AsyncIterator[str]:
    """The URL of a collector that takes nothing."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            if kind == "500":
                writer.write(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            while kind == "drips":
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.02)
            if kind == "silence":
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if kind == "nobody listens":
        server.close()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()


def opened(hub: Tradepost, acme: Side, **where: Any) -> Opened:
    async def workspaces() -> list[str]:
        return [acme.workspace_id]

    return open_outlets(hub.hub, workspaces, Outlets(seconds=0.2, **where))


def span(outlets: Opened) -> None:
    assert outlets.tracing is not None
    outlets.tracing.end(outlets.tracing.server("tools/call", None, {}), {})


def until(ready: Callable[[], bool]) -> bool:
    """Whether it became true, seconds at most."""
    for _ in range(2_000):
        if ready():
            return True
        threading.Event().wait(0.01)
    return False


def said(caplog: Seen, words: str) -> int:
    return sum(words in record.getMessage() for record in caplog.records)


@pytest.mark.behaviour("S1.14")
@pytest.mark.parametrize("kind", TROUBLES)
async def test_a_collector_that_takes_nothing_costs_spans_that_are_counted_and_no_row(
    hub: Tradepost, acme: Side, http: httpx2.AsyncClient, tmp_path: Path, caplog: Seen, kind: str
) -> None:
    caplog.set_level(logging.WARNING)
    async with troubled(kind) as url:
        outlets = opened(hub, acme, otlp_url=url, lock=tmp_path / "lock")
        for _ in range(SPANS):
            span(outlets)
        assert "result" in await call(http, acme.secrets["agent"], "get_customer", {"customer_id": "C-1"})
        await hub.audit.drain()
        await hub.sealer.seal()
        (logs,) = outlets.streams
        for _ in range(2):
            await logs._once()
        gauges = outlets.gauges()
        assert gauges["audit_stream_failing", "otlp"] == 1
        assert 0 < gauges["spans_lost", ""] <= SPANS
        await outlets.stop()
        assert outlets.gauges()["spans_lost", ""] == SPANS
    assert said(caplog, "Traces are taken by the collector no more for now") == 1
    assert said(caplog, "The audit is passed on to otlp:") == 1
    assert said(caplog, f"{SPANS} spans were lost in all") == 1
    assert {record.name for record in caplog.records if record.name.startswith("opentelemetry")} == set()
    async with collecting() as good:
        again = opened(hub, acme, otlp_url=good.url, lock=tmp_path / "lock", signals=("logs",))
        assert await again.streams[0].pass_on() > 0
        await again.stop()
        assert good.logs


async def test_what_was_in_trouble_goes_on_and_says_so(
    hub: Tradepost, acme: Side, tmp_path: Path, caplog: Seen
) -> None:
    """A collector that comes back, and a folder that could not be made."""
    caplog.set_level(logging.WARNING)
    blocked = tmp_path / "audit"
    blocked.write_text("a file stands where the folder should be")
    async with collecting() as collector:
        collector.status = 400
        outlets = opened(hub, acme, otlp_url=collector.url, lock=tmp_path / "lock", folder=blocked)
        span(outlets)
        await hub.audit.drain()
        await hub.sealer.seal()
        assert await asyncio.to_thread(until, lambda: said(caplog, "it answered 400") > 0)
        for _ in range(3):
            for stream in outlets.streams:
                await stream._once()
        assert said(caplog, "no more for now") == 3
        collector.status = 200
        blocked.unlink()
        span(outlets)
        for stream in outlets.streams:
            await stream._once()
        assert await asyncio.to_thread(until, lambda: len(collector.spans) == 1)
        await outlets.stop()
    assert said(caplog, "1 spans were lost meanwhile") == 1
    assert said(caplog, "Nothing was lost") == 2
    assert len(collector.spans) == 1
    assert [row["position"] for row in lines(blocked)] == sorted(row["position"] for row in lines(blocked)) != []


def row(position: int) -> Streamed:
    return Streamed("ws_1", position, {"workspace_id": "ws_1", "position": position, "words": "x" * 200})


def positions(folder: Path) -> list[int]:
    found = []
    for path in sorted(folder.glob("audit-*.jsonl")):
        found += [orjson.loads(line)["position"] for line in path.read_bytes().splitlines()]
    return found


def test_a_disk_that_fills_up_tears_no_line_and_loses_none(tmp_path: Path) -> None:
    """F32 for the files: the system takes a part of what is written and then no more."""
    sink = AuditFiles(tmp_path, most_bytes=100_000)
    assert sink.open() == {}
    sink.write([row(1)])
    size = (tmp_path / "audit-00000001.jsonl").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + size // 2, before[1]))
    try:
        for _ in range(2):
            with pytest.raises(OSError, match="File too large"):
                sink.write([row(2), row(3)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    sink.write([row(2), row(3)])
    (tmp_path / "audit-00000001.jsonl").rename(tmp_path / "kept.jsonl")
    sink.write([row(4)])
    (tmp_path / "audit-00000002.jsonl").unlink()
    sink.write([row(5)])
    sink.close()
    assert positions(tmp_path) == [5]
    assert [orjson.loads(line)["position"] for line in (tmp_path / "kept.jsonl").read_bytes().splitlines()] == [1, 2, 3]


def test_files_that_are_not_ours_are_named_and_stand_in_nobodys_way_later(tmp_path: Path) -> None:
    foreign = tmp_path / "audit-00000007.jsonl"
    foreign.write_text("what is this\n")
    sink = AuditFiles(tmp_path, most_bytes=100_000)
    for _ in range(2):
        with pytest.raises(OSError, match="no audit row; move the file away"):
            sink.open()
    foreign.unlink()
    assert sink.open() == {}
    sink.close()


def test_a_log_that_cannot_be_written_counts_what_it_lost(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as stream:
        handler = Lines(stream)
        handler.setFormatter(JsonFormatter())
        log = logging.Logger("of.a.test")
        log.addHandler(handler)
        log.error("first")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, before[1]))
        try:
            for _ in range(1_000):
                log.error("nobody reads %s", "x" * 100)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        log.error("wrong: %d", "no number")
        log.error("last")
    written = path.read_text().splitlines()
    assert len(written) == 5
    shown = [orjson.loads(line) for line in (written[0], written[2], written[4])]
    assert [one["message"] for one in shown][::2] == ["first", "last"]
    assert shown[1]["message"].startswith("1000 lines of this log")
    assert "wrong: %d" in written[3]
