"""Traces by OpenTelemetry's conventions for MCP and GenAI: a server span per call, a client span per request to a
server that is not bundled. Names and codes only: no arguments, no results, nothing about persons.

There is such an object only where traces are wanted; without one, no call does anything about them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

BAGGAGE = "baggage"
MOST_BAGGAGE = 8_192

_CONTEXT = TraceContextTextMapPropagator()


class Tracing:
    """Makes spans. `baggage` says whether a client's own is passed on to servers, `lost` how many spans nobody took."""

    def __init__(
        self, tracer: Tracer, shutdown: Callable[[], None], *, baggage: bool, lost: Callable[[], int] = lambda: 0
    ) -> None:
        self._tracer = tracer
        self.shutdown = shutdown
        self.lost = lost
        self._baggage = baggage

    def server(self, method: str, came: Mapping[str, str] | None, attributes: Mapping[str, Any]) -> Span:
        """A span for a call that came in, as a child of what the client says it belongs to."""
        parent = _CONTEXT.extract(dict(came)) if came else None
        known = {"mcp.method.name": method, **attributes}
        return self._tracer.start_span(method, context=parent, kind=SpanKind.SERVER, attributes=known)

    def client(self, parent: Span, method: str, target: str | None, attributes: Mapping[str, Any]) -> Span:
        """A span for a request to a server."""
        known = {"mcp.method.name": method, **attributes}
        name = f"{method} {target}" if target else method
        return self._tracer.start_span(
            name, context=set_span_in_context(parent), kind=SpanKind.CLIENT, attributes=known
        )

    def carried(self, span: Span, came: Mapping[str, str] | None) -> dict[str, str]:
        """What a request says of the trace it belongs to, as headers and as members of `_meta`."""
        carrier: dict[str, str] = {}
        _CONTEXT.inject(carrier, set_span_in_context(span))
        if self._baggage and came and len(came.get(BAGGAGE, "")) <= MOST_BAGGAGE and BAGGAGE in came:
            carrier[BAGGAGE] = came[BAGGAGE]
        return carrier

    def end(self, span: Span, attributes: Mapping[str, Any], name: str | None = None, error: str | None = None) -> None:
        """End a span, with what is known by now. `error` is a code."""
        for key, value in attributes.items():
            if value is not None:
                span.set_attribute(key, value)
        if name is not None:
            span.update_name(name)
        if error:
            span.set_attribute("error.type", error)
            span.set_status(StatusCode.ERROR)
        span.end()
