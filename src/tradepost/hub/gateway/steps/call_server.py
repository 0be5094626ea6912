"""The call itself, through the one function that reaches servers. No database session is held meanwhile."""

import asyncio
from functools import partial

from tradepost.hub.gateway.answers import dry_run
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.claims import kept
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogResource, CatalogTool
from tradepost.hub.upstreams.talk import Talk


async def call_server(call: Call, parts: Parts) -> None:
    """Sets `call.result`. A write carries its action's id as the store's key. Waiting in line takes at most as long
    as a call of the server may, and no repetition begins after that."""
    entry = call.found
    seconds = float(entry.timeout_seconds)
    ends_at = asyncio.get_running_loop().time() + seconds
    async with parts.servers.slot(entry.server_id, entry.server_slug, seconds):
        if entry.server_kind == "builtin":
            await _once(call, parts)
        else:
            await parts.attempts.make(
                entry.server_id,
                entry.server_slug,
                partial(_once, call, parts),
                repeatable=not call.writes,
                ends_at=ends_at,
            )
    if call.result is not None and call.result.get("resultType") == "input_required":
        call.result = parts.rounds.sealed(call, call.result)
    if call.claim is not None:
        parts.checkpoint("called")


async def _once(call: Call, parts: Parts) -> None:
    entry = call.found
    call.sent = True
    if isinstance(entry, CatalogTool):
        await _call_tool(call, parts, entry)
    elif isinstance(entry, CatalogResource) and call.kind == "resource":
        talk = Talk(call.extras, call.retry)
        call.result = await parts.upstreams.read_resource(call.caller, entry, call.name, talk)
    elif isinstance(entry, CatalogResource) and call.kind == "subscription":
        call.result = {"record": await parts.upstreams.watched(call.caller, entry, call.name)}
    elif isinstance(entry, CatalogPrompt) and call.kind == "prompt":
        talk = Talk(call.extras, call.retry)
        call.result = await parts.upstreams.get_prompt(call.caller, entry, call.arguments, talk)
    elif isinstance(entry, CatalogPrompt | CatalogResource):
        argument, value = call.arguments["name"], call.arguments["value"]
        call.result = await parts.upstreams.complete(call.caller, entry, dict(call.reference or {}), argument, value)


async def _call_tool(call: Call, parts: Parts, tool: CatalogTool) -> None:
    if call.dry_run:
        preview = await parts.upstreams.call_tool(call.caller, tool, call.arguments, None, mode="preview")
        failed = preview.is_error
        call.result = preview.as_dict() if failed else dry_run(preview.structured, list(preview.content))
        return
    async with kept(parts.leases, call.claim):
        key = call.claim.action_id if call.claim is not None else None
        talk = Talk(call.extras, call.retry) if tool.server_kind != "builtin" else None
        result = await parts.upstreams.call_tool(call.caller, tool, call.arguments, key, talk=talk)
    call.result, call.source = result.as_dict(), result.source
