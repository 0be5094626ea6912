"""Does the answer of a foreign server keep its approved definition? Bundled servers are checked by their tests."""

from collections.abc import Awaitable
from typing import Any

from tradepost.foundation.errors import UpstreamError
from tradepost.hub.gateway.answers import error_result
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.protocol.tasks import TASK


def check(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Withholds a successful foreign result that does not keep its pinned output schema. A write stays done: the call
    was made and the server said so, only its words are not passed on."""
    entry, result = call.entry, call.result
    if not isinstance(entry, CatalogTool) or entry.server_kind == "builtin" or result is None:
        return None
    if entry.answer_check is None or result.get("isError") or result.get("resultType") in ("input_required", TASK):
        return None
    structured = result.get("structuredContent")
    if parts.schemas.answers_at_once(entry, structured, call.source):
        return None
    return _compare(call, parts, entry, structured)


async def _compare(call: Call, parts: Parts, tool: CatalogTool, structured: Any) -> None:
    fault = await parts.schemas.answer(tool, structured, call.source)
    if fault is None:
        return
    parts.contradicted(call.caller.workspace_id, tool)
    said = " It was carried out, though: do not repeat it." if call.writes else ""
    error = UpstreamError(
        f"The answer of {call.name} does not have the form that was approved for it: {fault}.{said}",
        hint="Tell an admin: the server has changed, or is faulty. Refreshing its tools shows what is different.",
    )
    call.result, call.source = error_result(error), None
    if call.writes:
        call.broke_contract = True
        call.result["structuredContent"]["retryable"] = False
