"""Holding a tool's result to its budget of tokens. Nothing is cut in silence: what goes out says how much is left, in
words and in `_meta`, and has the handle that fetches it.

A structured result stays what the tool's pinned output schema says. Where no shorter one would be, none is given: then
the answer is an error that says so, and all of it is in the pieces.
"""

import asyncio

from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import LimitExceeded
from tradepost.hub.audit.keeping import BYTES_PER_TOKEN
from tradepost.hub.gateway.answers import error_result
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.rests import Kept, Rests
from tradepost.hub.gateway.shortening.contents import shorten_contents, size_of_contents, with_words
from tradepost.hub.gateway.shortening.shorten import Shortened, marked_truncated, shorten, withheld
from tradepost.hub.gateway.showing.step import words_of
from tradepost.hub.gateway.sizes import size_of, size_of_result, tokens
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.registry.folding import REST
from tradepost.protocol.errors import REST_META
from tradepost.protocol.tasks import TASK

LARGE = 256 * 1024  # bytes: that much takes a while, and others wait


def over_budget(call: Call, parts: Parts, result: Json) -> bool:
    """Whether a result is more than its tool, resource or prompt may give. For what came in as a text, its length says
    mostly that it is not."""
    entry = call.entry
    if entry is None or parts.rests is None:
        return False
    room = entry.limits.result_tokens * BYTES_PER_TOKEN
    if not isinstance(entry, CatalogTool):
        return room > 0 and call.kind in ("resource", "prompt") and size_of_contents(result) > room
    if not room or result.get("resultType") in ("input_required", TASK):
        return False
    # What is escaped in a text may take more room once it is written anew, but never more than half as much again.
    if call.source is not None and len(call.source) <= room:
        return False
    return size_of_result(result) > room


async def shortened(call: Call, parts: Parts, rests: Rests, result: Json) -> Json:
    """What goes out in place of a result that is over its budget."""
    if not isinstance(call.entry, CatalogTool):
        return await _shortened_contents(call, rests, result)
    tool, size = call.tool, size_of_result(result)
    room = tool.limits.result_tokens * BYTES_PER_TOKEN
    made = await (asyncio.to_thread(shorten, result, room) if size > LARGE else _at_once(result, room))
    shown = made.result
    if "structuredContent" in shown and tool.server_kind == "builtin":
        shown["structuredContent"] = marked_truncated(shown["structuredContent"])
    call.source = None
    if not result.get("isError") and tool.answer_check is not None:
        fault = await parts.schemas.answer(tool, shown.get("structuredContent"))
        if fault is not None:
            return await _withheld(call, rests, result, room)
    kept = await _kept(call, rests, made, result)
    words = _words(size, made, kept, result)
    shown["content"] = [*shown["content"], {"type": "text", "text": f"[{words}]"}]
    return {**shown, "_meta": {**_meta(result), REST_META: _where(size, made, kept)}}


async def _shortened_contents(call: Call, rests: Rests, result: Json) -> Json:
    room, size = call.found.limits.result_tokens * BYTES_PER_TOKEN, size_of_contents(result)
    made = await asyncio.to_thread(shorten_contents, result, room)
    kept = await _kept(call, rests, made, result)
    shown = with_words(made.result, f"[{_words(size, made, kept, result)}]")
    return {**shown, "_meta": {**_meta(result), REST_META: _where(size, made, kept)}}


async def _at_once(result: Json, room: int) -> Shortened:
    return shorten(result, room)


async def _withheld(call: Call, rests: Rests, result: Json, room: int) -> Json:
    made = await asyncio.to_thread(withheld, result, room)
    kept = await _kept(call, rests, made, result)
    size = size_of_result(result)
    done = " It was carried out: do not repeat it." if call.writes else ""
    about = f"The result of {call.name} has about {tokens(size)} tokens, more than the {tokens(room)} it may have, and "
    about += f"no shorter one has the form that its definition promises.{done}"
    if kept is None:
        hint = "It could not be kept either. " + ("" if call.writes else "Ask for less, or call the tool again later.")
        error = LimitExceeded(about, hint=hint)
    else:
        until = to_rfc3339(kept.expires_at)
        hint = f'Call {REST} with handle "{kept.handle}": it gives all of it in {kept.pieces} pieces, until {until}.'
        error = LimitExceeded(about, hint=hint, details={"rest": _where(size, made, kept)})
    call.too_long = True
    return {**error_result(error), "_meta": {**_meta(result), REST_META: _where(size, made, kept)}}


async def _kept(call: Call, rests: Rests, made: Shortened, result: Json) -> Kept | None:
    personal = await asyncio.to_thread(words_of, call, result)
    return await rests.keep(
        call.caller,
        call.found,
        _name(call),
        made.pieces,
        of_write=call.writes,
        outside=call.outside.kinds,
        words=personal,
    )


def _name(call: Call) -> str:
    """As whoever called knows it: a tool by its exposed name, a resource by its URI, a prompt by its name."""
    return call.entry.exposed_name if isinstance(call.entry, CatalogTool) else call.name


def _words(size: int, made: Shortened, kept: Kept | None, result: Json) -> str:
    beginning = f"Shortened: about {tokens(made.left)} of {tokens(size)} tokens are left out here"
    if kept is None:
        return f"{beginning}, and could not be kept. Ask for less, or call again later."
    until = to_rfc3339(kept.expires_at)
    return f'{beginning}. Call {REST} with handle "{kept.handle}" for the next piece of {kept.pieces}, until {until}.'


def _where(size: int, made: Shortened, kept: Kept | None) -> Json:
    said: Json = {"tokens": tokens(size), "tokens_left": tokens(made.left)}
    if kept is None:
        return {**said, "handle": None}
    until = to_rfc3339(kept.expires_at)
    return {**said, "handle": kept.handle, "tool": REST, "pieces": kept.pieces, "expires_at": until}


def _meta(result: Json) -> Json:
    """The server's own, unless that is long, too."""
    own = result.get("_meta")
    return own if isinstance(own, dict) and size_of(own) <= 4_096 else {}
