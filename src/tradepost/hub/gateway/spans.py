"""The spans of a call, where traces are wanted: by the conventions of OpenTelemetry for MCP and GenAI."""

from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from tradepost.foundation.errors import TradepostError
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.metering import ended_of
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogResource, CatalogTool
from tradepost.hub.telemetry.ports import Span, Traces
from tradepost.hub.upstreams.talk import Tells
from tradepost.protocol.api_marks import web_url
from tradepost.protocol.errors import Refusal, internal, translate
from tradepost.protocol.options import NOTHING_BESIDE, Beside
from tradepost.protocol.upstream_errors import UpstreamFailed

TOOL_ERROR = "tool_error"  # as the conventions call a CallToolResult with isError
MOST_ID_CHARACTERS = 256  # of an id that a client chose; its rest is cut off

_METHODS = {
    "tool": "tools/call",
    "resource": "resources/read",
    "subscription": "resources/subscribe",
    "prompt": "prompts/get",
    "completion": "completion/complete",
}
_PORTS = {"https": 443, "http": 80}
_JSONRPC = "jsonrpc:"  # before the id that we gave a request, where its server gave it none (results.request_id_of)


def begin(call: Call, tracing: Traces) -> None:
    """Open the span of a call."""
    caller, extras = call.caller, call.extras
    known = {
        "tradepost.workspace": caller.workspace_id,
        "tradepost.principal.kind": caller.principal.kind,
        "tradepost.request_id": caller.request_id,
    }
    if caller.agent_id is not None:
        known["gen_ai.agent.id"] = caller.agent_id
    if extras.session_id is not None:
        known["mcp.session.id"] = extras.session_id
    if extras.wire is not None:
        known |= {"network.transport": "tcp", "network.protocol.name": "http"}
        known["network.protocol.version"] = extras.wire.http_version
        if extras.wire.revision is not None:
            known["mcp.protocol.version"] = extras.wire.revision
        if extras.wire.request_id is not None:
            known["jsonrpc.request.id"] = str(extras.wire.request_id)[:MOST_ID_CHARACTERS]
    if call.kind == "tool":
        known["gen_ai.operation.name"] = "execute_tool"
    call.span = tracing.server(_method(call), extras.trace, known)


def finish(call: Call, tracing: Traces, raised: BaseException | None = None) -> None:
    """Close it, once. `raised` is what the client hears as an error of JSON-RPC, where that is known already."""
    span, call.span = call.span, None
    if span is None:
        return
    ended = ended_of(call)
    named = ended.tool if isinstance(call.entry, CatalogTool) else None
    prompt = call.entry.name if isinstance(call.entry, CatalogPrompt) else None
    target = named or prompt
    status = None if raised is None else _status(raised)
    attributes = {
        "gen_ai.tool.name": named,
        "gen_ai.prompt.name": prompt,
        # As it is registered: what a client puts into a template may be about persons.
        "mcp.resource.uri": call.entry.uri if isinstance(call.entry, CatalogResource) else None,
        "rpc.response.status_code": status,
        "tradepost.server": ended.server or None,
        "tradepost.outcome": "canceled" if isinstance(raised, Refusal) else ended.outcome,
        "tradepost.error.code": ended.code or None,
        "tradepost.decision": type(call.decision).__name__.lower() if call.decision is not None else None,
        "tradepost.action_id": call.action.id if call.action is not None else None,
    }
    error = status or (TOOL_ERROR if ended.code else None)
    tracing.end(span, attributes, f"{_method(call)} {target}" if target else None, error)


def begin_request(call: Call, tracing: Traces) -> Span | None:
    """Open the span of a request to a server that is not bundled; what the request says of it goes beside the rest."""
    entry = call.found
    if call.span is None or entry.server_kind == "builtin":
        return None
    target = entry.raw_name if isinstance(entry, CatalogTool) else None
    known: dict[str, Any] = {"tradepost.server": entry.server_slug, **_place(entry.server_url)}
    if target is not None:
        known |= {"gen_ai.tool.name": target, "gen_ai.operation.name": "execute_tool"}
    span = tracing.client(call.span, _method(call), target, known)
    call.carried = tracing.carried(span, call.extras.trace)
    return span


def finish_request(call: Call, tracing: Traces, span: Span, error: BaseException | None) -> None:
    """Close it."""
    answered = error.rpc_error if isinstance(error, UpstreamFailed) else None
    status = str(answered["code"]) if answered is not None else None
    kind = status or (getattr(error, "code", type(error).__name__) if error is not None else None)
    if kind is None and call.result is not None and call.result.get("isError"):
        kind = TOOL_ERROR
    own, told = None, call.upstream_id
    if told is not None and told.startswith(_JSONRPC):
        own, told = told.removeprefix(_JSONRPC), None
    attributes = {
        "jsonrpc.request.id": own,
        "rpc.response.status_code": status,
        "tradepost.upstream_request_id": told,
    }
    tracing.end(span, attributes, None, kind)


def beside(call: Call) -> Tells | None:
    """What each request of a call carries: of its caller, and of its trace."""
    carried, tells = call.carried, call.tells
    if carried is None:
        return tells

    def tell() -> tuple[Beside, str | None]:
        told, secret = tells() if tells is not None else (NOTHING_BESIDE, None)
        return Beside({**carried, **told.headers}, {**carried, **told.meta}), secret

    return tell


def _method(call: Call) -> str:
    return call.task_method or _METHODS.get(call.kind, call.kind)


def _status(error: BaseException) -> str:
    """The code of the JSON-RPC error that a client gets."""
    if isinstance(error, TradepostError):
        error = translate(error, None)
    return str((error if isinstance(error, Refusal) else internal()).code)


@lru_cache(maxsize=1_024)
def _place(url: str | None) -> dict[str, Any]:
    """Where a server is and how it is reached. Of its URL only host and port: the rest may hold a secret."""
    if url is None:
        return {}
    parts = urlsplit(web_url(url))
    if parts.hostname is None:
        return {"network.transport": "pipe"}  # a program (stdio:NAME)
    found = {"network.transport": "tcp", "network.protocol.name": "http", "server.address": parts.hostname}
    port = parts.port or _PORTS.get(parts.scheme)
    return found if port is None else {**found, "server.port": port}
