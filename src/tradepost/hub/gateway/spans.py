"""The spans of a call, where traces are wanted."""

from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.metering import ended_of
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogResource, CatalogTool
from tradepost.hub.telemetry.ports import Span, Traces
from tradepost.hub.upstreams.talk import Tells
from tradepost.protocol.options import NOTHING_BESIDE, Beside

_METHODS = {
    "tool": "tools/call",
    "resource": "resources/read",
    "subscription": "resources/subscribe",
    "prompt": "prompts/get",
    "completion": "completion/complete",
}


def begin(call: Call, tracing: Traces) -> None:
    """Open the span of a call."""
    caller = call.caller
    known = {
        "tradepost.workspace": caller.workspace_id,
        "tradepost.principal.kind": caller.principal.kind,
        "tradepost.request_id": caller.request_id,
    }
    if caller.agent_id is not None:
        known["gen_ai.agent.id"] = caller.agent_id
    if call.extras.session_id is not None:
        known["mcp.session.id"] = call.extras.session_id
    if call.kind == "tool":
        known["gen_ai.operation.name"] = "execute_tool"
    call.span = tracing.server(_method(call), call.extras.trace, known)


def finish(call: Call, tracing: Traces) -> None:
    """Close it, once."""
    span, call.span = call.span, None
    if span is None:
        return
    ended = ended_of(call)
    named = ended.tool if isinstance(call.entry, CatalogTool) else None
    prompt = call.entry.name if isinstance(call.entry, CatalogPrompt) else None
    target = named or prompt
    attributes = {
        "gen_ai.tool.name": named,
        "gen_ai.prompt.name": prompt,
        # As it is registered: what a client puts into a template may be about persons.
        "mcp.resource.uri": call.entry.uri if isinstance(call.entry, CatalogResource) else None,
        "tradepost.server": ended.server or None,
        "tradepost.outcome": ended.outcome,
        "tradepost.decision": type(call.decision).__name__.lower() if call.decision is not None else None,
        "tradepost.action_id": call.action.id if call.action is not None else None,
    }
    tracing.end(span, attributes, f"{_method(call)} {target}" if target else None, ended.code)


def begin_request(call: Call, tracing: Traces) -> Span | None:
    """Open the span of a request to a server that is not bundled; what the request says of it goes beside the rest."""
    entry = call.found
    if call.span is None or entry.server_kind == "builtin":
        return None
    target = entry.raw_name if isinstance(entry, CatalogTool) else None
    known = {"tradepost.server": entry.server_slug}
    if target is not None:
        known |= {"gen_ai.tool.name": target, "gen_ai.operation.name": "execute_tool"}
    span = tracing.client(call.span, _method(call), target, known)
    call.carried = tracing.carried(span, call.extras.trace)
    return span


def finish_request(call: Call, tracing: Traces, span: Span, error: BaseException | None) -> None:
    """Close it."""
    code = getattr(error, "code", type(error).__name__) if error is not None else None
    if code is None and call.result is not None and call.result.get("isError"):
        code = "tool_error"
    tracing.end(span, {"jsonrpc.request.id": (call.upstream_id or "").removeprefix("jsonrpc:") or None}, None, code)


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
