"""Opening what leaves the hub to be watched elsewhere: traces, and the audit as a stream."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from tradepost.database.engine import Database
from tradepost.foundation.errors import SetupError
from tradepost.hub.telemetry.audit_file import AuditFiles
from tradepost.hub.telemetry.ports import Traces
from tradepost.hub.telemetry.stream import AuditStream, Sink, Workspaces


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where to. `lock` is a file that says which process of this machine sends, `seconds` is what an attempt may
    take."""

    folder: Path | None = None
    file_bytes: int = 64 * 2**20
    otlp_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    signals: Sequence[str] = ("traces", "logs")
    share: float = 1.0
    baggage: bool = False
    lock: Path = Path("otlp.lock")
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Opened:
    """What was opened: how traces are made, streams of the audit, and what sends the rest of the traces."""

    tracing: Traces | None
    streams: Sequence[AuditStream]
    close: Callable[[], None]

    def gauges(self) -> dict[tuple[str, str], float]:
        """What is lost, or waits because it is not taken."""
        found: dict[tuple[str, str], float] = {}
        if self.tracing is not None:
            found["spans_lost", ""] = self.tracing.lost()
        for stream in self.streams:
            found["audit_stream_failing", stream.name.partition(":")[0]] = stream.is_failing
        return found

    async def start(self) -> None:
        """Begin to pass the audit on."""
        for stream in self.streams:
            await stream.start()

    async def stop(self) -> None:
        """Send what there is."""
        for stream in self.streams:
            await stream.stop()
        await asyncio.to_thread(self.close)


def open_outlets(database: Database, workspaces: Workspaces, outlets: Outlets) -> Opened:
    """Raises SetupError where OpenTelemetry is wanted and not installed."""
    sinks: list[Sink] = []
    if outlets.folder is not None:
        sinks.append(AuditFiles(outlets.folder, outlets.file_bytes))
    tracing, close = None, _nothing
    if outlets.otlp_url:
        try:
            otlp = import_module("tradepost.hub.telemetry.otlp")
        except ModuleNotFoundError as error:
            raise SetupError(
                f"OpenTelemetry is wanted (TRADEPOST_OTLP_URL) and {error.name} is not installed.",
                hint="Install Tradepost with it: pip install 'tradepost[telemetry]'.",
            ) from error
        if "traces" in outlets.signals:
            options = {"baggage": outlets.baggage, "seconds": outlets.seconds}
            tracing = otlp.open_tracing(outlets.otlp_url, outlets.headers, outlets.share, **options)
            close = tracing.shutdown
        if "logs" in outlets.signals:
            sinks.append(otlp.AuditLogs(outlets.otlp_url, outlets.headers, outlets.lock, outlets.seconds))
    return Opened(tracing, [AuditStream(database, workspaces, sink) for sink in sinks], close)


def _nothing() -> None:
    """There are no traces."""
