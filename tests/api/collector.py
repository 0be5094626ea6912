"""A collector of OpenTelemetry on a real socket: keeps what it is sent, or refuses it."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.protocol.conftest import served


@dataclass
class Collector:
    """`status` is what it answers."""

    url: str = ""
    status: int = 200
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: bytes = b""
    spans: list[Any] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.headers.append(headers)
        if self.status == 200:
            self.raw += body
            if scope["path"] == "/v1/traces":
                sent = ExportTraceServiceRequest.FromString(body).resource_spans
                self.spans += [span for one in sent for inner in one.scope_spans for span in inner.spans]
            else:
                found = ExportLogsServiceRequest.FromString(body).resource_logs
                self.logs += [record for one in found for inner in one.scope_logs for record in inner.log_records]
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Serve one on loopback."""
    collector = Collector()
    async with served(collector) as base:
        collector.url = base
        yield collector


def attributes(record: Any) -> dict[str, Any]:
    """The attributes of a span or log record."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in record.attributes}
