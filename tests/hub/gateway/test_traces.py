"""Traces of calls to servers that are not ours: what they carry, and what they do not say."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.hub.gateway.world import Facts, opened
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.telemetry.tracing import Tracing
from tradepost.protocol.builtin import Json, ToolResult
from tradepost.protocol.hosting import CallExtras
from tradepost.protocol.upstream_errors import UpstreamTimedOut

CANARY = "CANARY-51aa"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CAME = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": "a=b", "baggage": f"user={CANARY}"}


async def fails(tool: CatalogTool, arguments: Json, key: str | None) -> ToolResult:
    raise UpstreamTimedOut(f"{CANARY} took too long.", dispatched=True)


async def test_a_request_carries_its_trace_and_no_baggage_unless_allowed(facts: Facts):
    """Row 47. The span of the request is a child of the call's; a failure has its code and no words."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for baggage in (False, True):
        tracing = Tracing(provider.get_tracer("test"), provider.shutdown, baggage=baggage)
        async with opened(facts, tracing=tracing) as world:
            if not baggage:
                await world.add_remote("track", "read")
            world.servers.remote = fails
            await world.door.call(await world.agent(), "track", {"parcel": CANARY}, extras=CallExtras(trace=CAME))
            talk = world.servers.talks[0]
        told = talk.beside() if talk is not None else None
        assert told is not None
        assert told.meta == told.headers
        assert told.meta["traceparent"].split("-")[1] == TRACE
        assert (told.meta["tracestate"], "baggage" in told.meta) == ("a=b", baggage)
    spans = exporter.get_finished_spans()
    request, call = spans[0], next(span for span in spans if span.kind.name == "SERVER")
    assert (request.kind.name, request.name, call.name) == ("CLIENT", "tools/call track", "tools/call track")
    assert request.parent is not None
    assert request.parent.span_id == call.context.span_id
    assert call.attributes is not None
    assert call.attributes["error.type"]
    assert CANARY not in "".join(span.to_json() for span in spans)
