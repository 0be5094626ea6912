"""The call itself, through the one function that reaches servers. No database session is held meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter_ns

from tradepost.foundation.errors import Unavailable
from tradepost.foundation.running import loop_time
from tradepost.hub.gateway.action_tasks import CANCELED
from tradepost.hub.gateway.answers import dry_run
from tradepost.hub.gateway.call import Call, Entry, Json
from tradepost.hub.gateway.claims import kept
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.spans import begin_request, beside, finish_request
from tradepost.hub.gateway.telling import tells_of
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogResource, CatalogTool
from tradepost.hub.telemetry.ports import Traces
from tradepost.hub.upstreams.talk import Talk
from tradepost.protocol.builtin import Expects
from tradepost.protocol.tasks import TASK

Once = Callable[[Call, Parts, float], Awaitable[None]]


class ClientLeft(Unavailable):
    """The client of a write left before anything was sent, so nothing is."""

    code = CANCELED

    def __init__(self) -> None:
        super().__init__("Its client left before this was sent.", hint="Nothing was done. Call again if it is wanted.")


async def call_server(call: Call, parts: Parts) -> None:
    """Sets `call.result`. A write carries its action's id as the store's key."""
    if call.found.injected is not None:
        call.tells = await tells_of(call, parts)
    once = _call_tool if isinstance(call.entry, CatalogTool) else _ask
    await in_line(call, parts, once, repeatable=not call.writes)
    if call.result is not None and "resultType" in call.result:
        call.result = _sealed(call, parts, call.result)
    if call.claim is not None:
        parts.checkpoint("called")


def in_line(call: Call, parts: Parts, once: Once, *, repeatable: bool) -> Awaitable[None]:
    """`once`, when it is the call's turn at its server. Waiting in line, connecting and all repetitions together take
    at most as long as a call of this entry may."""
    if call.left:
        raise ClientLeft
    limits = call.found.limits
    ends_at = loop_time() + limits.timeout_seconds
    lined_up = _in_own_line if limits.own_line else _in_servers_line
    return lined_up(call, parts, once, ends_at, repeatable)


async def _in_own_line(call: Call, parts: Parts, once: Once, ends_at: float, repeatable: bool) -> None:
    """For a tool with a line of its own, before that of its server."""
    entry, servers = call.found, parts.servers
    limits, own = entry.limits, entry.entry_id
    if not servers.take(own, limits.running):
        name, seconds = _own_name(entry), limits.timeout_seconds
        await _turn(call, servers.acquire(own, name, seconds, limits.running, limits.waiting))
    try:
        await _in_servers_line(call, parts, once, ends_at, repeatable)
    finally:
        servers.release(own)


async def _in_servers_line(call: Call, parts: Parts, once: Once, ends_at: float, repeatable: bool) -> None:
    entry = call.found
    limits = entry.limits
    shared = limits.shared or limits
    server_id, servers = entry.server_id, parts.servers
    if not servers.take(server_id, shared.running):
        seconds = ends_at - loop_time()
        await _turn(call, servers.acquire(server_id, entry.server_slug, seconds, shared.running, shared.waiting))
    try:
        if entry.server_kind == "builtin":
            await once(call, parts, ends_at)
        else:
            await parts.attempts.make(
                entry.entry_id if limits.own_count else server_id,
                _own_name(entry) if limits.own_count else entry.server_slug,
                partial(once, call, parts, ends_at),
                repeatable=repeatable,
                ends_at=ends_at,
                limits=limits,
            )
    finally:
        servers.release(server_id)


async def _turn(call: Call, acquiring: Awaitable[None]) -> None:
    """Wait in line, as long as the client waits: nothing was sent yet. Raises ClientLeft."""
    call.waits = asyncio.current_task()
    try:
        await acquiring
    except asyncio.CancelledError:
        if call.left and call.waits is not None and call.waits.uncancel() == 0:
            raise ClientLeft from None
        raise
    finally:
        call.waits = None


def _own_name(entry: Entry) -> str:
    """What a tool that is counted alone is called."""
    return f"{entry.server_slug}: {entry.raw_name}" if isinstance(entry, CatalogTool) else entry.server_slug


def _sealed(call: Call, parts: Parts, result: Json) -> Json:
    """A result that is no answer yet, without what is between the server and us alone. The task of a write is known by
    its action, which keeps the server's id."""
    if result["resultType"] == "input_required":
        return parts.rounds.sealed(call, result)
    if result["resultType"] == TASK and call.claim is None:
        return {**result, "taskId": parts.tasks.sealed(call.caller, call.tool, result)}
    return result


def _ask(call: Call, parts: Parts, ends_at: float) -> Awaitable[None]:
    """For what is no tool."""
    call.sent = True
    return _timed(call, parts, ends_at, _asked)


async def _asked(call: Call, parts: Parts, ends_at: float) -> None:
    entry = call.found
    if isinstance(entry, CatalogResource) and call.kind == "resource":
        talk = _talk(call)
        call.result = await parts.upstreams.read_resource(call.caller, entry, call.name, talk, ends_at)
    elif isinstance(entry, CatalogResource) and call.kind == "subscription":
        call.result = {"record": await parts.upstreams.watched(call.caller, entry, call.name)}
    elif isinstance(entry, CatalogPrompt) and call.kind == "prompt":
        talk = _talk(call)
        call.result = await parts.upstreams.get_prompt(call.caller, entry, call.arguments, talk, ends_at)
    elif isinstance(entry, CatalogPrompt | CatalogResource):
        reference = dict(call.reference or {})
        asked = call.arguments
        call.result = await parts.upstreams.complete(
            call.caller, entry, reference, asked["name"], asked["value"], asked["known"], ends_at, _talk(call)
        )


def _talk(call: Call) -> Talk:
    cleans = call.found.limits.text != "unchanged"
    return Talk(call.extras, call.retry, call.hold, cleans=cleans, beside=beside(call))


def expected_of(call: Call) -> Expects | None:
    """The versions that people saw before they approved a write of a bundled server."""
    preview = call.action.preview if call.action is not None else None
    if not preview or call.tool.server_kind != "builtin" or not preview.get("versions"):
        return None
    return Expects(preview["versions"])


def _call_tool(call: Call, parts: Parts, ends_at: float) -> Awaitable[None]:
    call.sent = True
    return _timed(call, parts, ends_at, _call)


async def _timed(call: Call, parts: Parts, ends_at: float, once: Once) -> None:
    began = perf_counter_ns()
    try:
        await (
            once(call, parts, ends_at) if parts.tracing is None else _traced(call, parts, ends_at, parts.tracing, once)
        )
    finally:
        _took(call, began)


async def _traced(call: Call, parts: Parts, ends_at: float, tracing: Traces, once: Once) -> None:
    span = begin_request(call, tracing)
    failed: BaseException | None = None
    try:
        await once(call, parts, ends_at)
    except BaseException as error:
        failed = error
        raise
    finally:
        if span is not None:
            finish_request(call, tracing, span, failed)


def _took(call: Call, began_ns: int) -> None:
    """The time of all attempts together."""
    call.upstream_us = (call.upstream_us or 0) + (perf_counter_ns() - began_ns) // 1_000


async def _call(call: Call, parts: Parts, ends_at: float) -> None:
    tool = call.tool
    if call.dry_run:
        preview = await parts.upstreams.call_tool(call.caller, tool, call.arguments, None, "preview", ends_at=ends_at)
        failed = preview.is_error
        call.result = (
            preview.as_dict()
            if failed
            else dry_run(preview.structured, list(preview.content), call.caller.principal.kind)
        )
        return
    talk = _talk(call) if tool.server_kind != "builtin" else None
    if call.claim is None:
        result = await parts.upstreams.call_tool(call.caller, tool, call.arguments, None, talk=talk, ends_at=ends_at)
    else:
        key = call.claim.action_id
        options: Json = {"talk": talk, "ends_at": ends_at}
        expects = expected_of(call)
        if expects is not None:
            options["expects"] = expects
        async with kept(parts.leases, call.claim):
            result = await parts.upstreams.call_tool(call.caller, tool, call.arguments, key, **options)
        call.undo = result.undo
    call.result, call.source, call.upstream_id = result.as_dict(), result.source, result.request_id
