"""Does the answer of a foreign server keep its approved definition? Bundled servers are checked by their tests.

Of a tool that is its output schema, of a resource the content type it was approved with, of a prompt the words that
describe it.
"""

from collections.abc import Awaitable
from typing import Any

from tradepost.foundation.errors import UpstreamError
from tradepost.hub.gateway.answers import error_result
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogResource, CatalogTool
from tradepost.protocol.tasks import TASK


def check(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Withholds a successful foreign result that does not keep its pinned output schema. A write stays done: the call
    was made and the server said so, only its words are not passed on."""
    entry, result = call.entry, call.result
    if result is not None and isinstance(entry, CatalogResource | CatalogPrompt) and entry.server_kind != "builtin":
        _look(call, parts, entry, result)
        return None
    if not isinstance(entry, CatalogTool) or entry.server_kind == "builtin" or result is None:
        return None
    if entry.answer_check is None or result.get("isError") or result.get("resultType") in ("input_required", TASK):
        return None
    structured = result.get("structuredContent")
    if parts.schemas.answers_at_once(entry, structured, call.source):
        return None
    return _compare(call, parts, entry, structured)


def _look(call: Call, parts: Parts, entry: CatalogResource | CatalogPrompt, result: Json) -> None:
    """Of what is read: raises UpstreamError for another kind of content than was approved, and puts the approved words
    in the place of others."""
    if isinstance(entry, CatalogPrompt):
        approved = entry.definition.get("description")
        if "description" in result and result["description"] != approved:
            says = "It describes itself in other words when it is used."
            parts.contradicted(call.caller.workspace_id, entry.server_id, "prompt", entry.name, says)
            call.result = {name: value for name, value in result.items() if name != "description"}
            if approved is not None:
                call.result["description"] = approved
        return
    approved, found = _type(entry.definition), {_type(one) for one in _contents(result) if one.get("uri") == call.name}
    if call.kind != "resource" or approved is None or found <= {approved, None}:
        return
    says = "It is of another content type when it is read."
    parts.contradicted(call.caller.workspace_id, entry.server_id, "resource", entry.uri, says)
    raise UpstreamError(
        f"What {call.name[:200]} holds is of another content type than the {approved} that was approved for it.",
        hint="Tell an admin: the server has changed, or is faulty.",
    )


def _contents(result: Json) -> list[Json]:
    contents = result.get("contents")
    return [one for one in contents if isinstance(one, dict)] if isinstance(contents, list) else []


def _type(said: Json) -> str | None:
    """A content type without its parameters."""
    named = said.get("mimeType")
    return named.partition(";")[0].strip().lower() if isinstance(named, str) else None


async def _compare(call: Call, parts: Parts, tool: CatalogTool, structured: Any) -> None:
    fault = await parts.schemas.answer(tool, structured, call.source)
    if fault is None:
        return
    says = "An answer did not have the approved form; it was withheld."
    parts.contradicted(call.caller.workspace_id, tool.server_id, "tool", tool.raw_name, says)
    said = " It was carried out, though: do not repeat it." if call.writes else ""
    error = UpstreamError(
        f"The answer of {call.name} does not have the form that was approved for it: {fault}.{said}",
        hint="Tell an admin: the server has changed, or is faulty. Refreshing its tools shows what is different.",
    )
    call.result, call.source = error_result(error), None
    if call.writes:
        call.broke_contract = True
        call.result["structuredContent"]["retryable"] = False
