"""OpenTelemetry over OTLP/HTTP: where to, and the audit as log records. Imported only where somebody has said where to,
because the SDK is an extra.

A log record may arrive twice after a crash, never not at all: `tradepost.audit.id` tells.
"""

import fcntl
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tradepost import __version__
from tradepost.hub.telemetry.collector import Asking, Attempts
from tradepost.hub.telemetry.spans import SpanSending
from tradepost.hub.telemetry.stream import Streamed
from tradepost.hub.telemetry.tracing import Tracing

SCOPE = "tradepost"
SECONDS = 10.0  # for an attempt with all its repetitions
_LEFT_OUT = frozenset({"occurred_at", "id"})


def resource() -> Resource:
    """Who sends: this release, and what OTEL_RESOURCE_ATTRIBUTES adds."""
    return Resource.create({"service.name": "tradepost", "service.version": __version__})


def open_tracing(
    url: str, headers: Mapping[str, str], share: float, *, baggage: bool, seconds: float = SECONDS
) -> Tracing:
    """Traces to a collector. `share` of the traces that begin here is sampled; one that began elsewhere as it came."""
    provider = TracerProvider(
        resource=resource(), sampler=ParentBased(TraceIdRatioBased(share)), shutdown_on_exit=False
    )
    asking, to = Asking(seconds), f"{url.rstrip('/')}/v1/traces"
    sending = SpanSending(
        OTLPSpanExporter(to, headers=dict(headers), timeout=seconds, session=asking), asking.said, seconds
    )
    provider.add_span_processor(sending)
    tracer = provider.get_tracer(SCOPE, __version__)
    return Tracing(tracer, provider.shutdown, baggage=baggage, lost=lambda: sending.lost)


class AuditLogs:
    """A sink (stream.Sink) of log records. One process of a machine sends, which holds the lock."""

    def __init__(self, url: str, headers: Mapping[str, str], lock: Path, seconds: float = SECONDS) -> None:
        self.name = f"otlp:{url}"
        self._endpoint = f"{url.rstrip('/')}/v1/logs"
        self._headers = dict(headers)
        self._lock_path = lock
        self._seconds = seconds
        self._lock: BinaryIO | None = None
        self._exporter: OTLPLogExporter | None = None
        self._asking = Asking(seconds)
        self._attempts = Attempts[LogRecordExportResult](seconds)
        self._from = resource()
        self._scope = InstrumentationScope(SCOPE, __version__)

    def open(self) -> Mapping[str, int] | None:
        """See Sink."""
        self._lock_path.parent.mkdir(parents=True, exist_ok=True)
        lock = self._lock_path.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        self._lock = lock
        self._exporter = OTLPLogExporter(
            self._endpoint, headers=self._headers, timeout=self._seconds, session=self._asking
        )
        return {}

    def write(self, rows: Sequence[Streamed]) -> None:
        """See Sink."""
        if self._exporter is None:
            raise RuntimeError("This sink is not open.")
        records = [ReadableLogRecord(_record(one.row), self._from, self._scope) for one in rows]
        if self._attempts.within(partial(self._exporter.export, records)) is not LogRecordExportResult.SUCCESS:
            raise OSError(f"{self._endpoint} did not take {len(rows)} log records: {self._asking.said()}")

    def close(self) -> None:
        """See Sink."""
        if self._exporter is not None:
            self._exporter.shutdown()  # type: ignore[no-untyped-call]
        if self._lock is not None:
            self._lock.close()
        self._exporter = self._lock = None


def _record(row: Mapping[str, Any]) -> LogRecord:
    moment = datetime.fromisoformat(row["occurred_at"])
    failed = row["error_code"] is not None
    attributes: dict[str, Any] = {"tradepost.audit.id": row["id"]}
    for name, value in row.items():
        if value is not None and name not in _LEFT_OUT:
            shown = orjson.dumps(value).decode() if isinstance(value, dict) else value
            attributes[f"tradepost.audit.{name}"] = shown
    return LogRecord(
        timestamp=int(moment.timestamp() * 1_000_000) * 1_000,
        severity_number=SeverityNumber.WARN if failed else SeverityNumber.INFO,
        severity_text="WARN" if failed else "INFO",
        body=f"{row['kind']} {row['tag']} {row['tool'] or ''}".rstrip(),
        attributes=attributes,
        event_name="tradepost.audit",
    )
