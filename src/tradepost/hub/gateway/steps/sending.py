"""A read of another server that takes words of a third one, or of the shop, there goes on as a write in a run that has
read what outsiders wrote: it is decided by the flow rule, waits for people where that asks, and has an intent. The
model may have been told to send on what it knows, and what has been sent cannot be called back. What a server has said
itself may go back to it. For resources and prompts, see carrying.
"""

from collections.abc import Awaitable

from tradepost.foundation.ids import handle
from tradepost.hub.actions.models import UNREPEATABLE
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.carrying import carrying
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.steps.validate import given_key
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.registry.outward import outward_argument
from tradepost.hub.trust.taint import Taint


def sending(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Sets `sends` of a call that takes something out. Raises InvalidArgument for a key that is none, LimitExceeded for
    a resource or a prompt that would."""
    tool = call.entry
    if not isinstance(tool, CatalogTool):
        return carrying(call, parts)
    if tool.tool_class != "read" or tool.server_kind == "builtin":
        return None
    argument = outward_argument(tool.definition.get("inputSchema"), call.arguments)
    if argument is None:
        return None
    beside = parts.taints.beside_at_hand(call.caller, call.run_id, tool.server_id)
    taint = parts.taints.at_hand(call.caller, call.run_id)
    if beside is None or taint is None:
        return _look(call, parts, tool, argument)
    _becomes_a_write(call, argument, taint, beside)
    return None


async def _look(call: Call, parts: Parts, tool: CatalogTool, argument: str) -> None:
    """Another process may have answered the run."""
    async with parts.database.transaction(call.caller.workspace_id, write=False, quick=True) as session:
        beside = await parts.taints.look_beside(session, call.caller, call.run_id, tool.server_id)
        taint = None if beside is None else await parts.taints.look(session, call.caller, call.run_id)
    if beside is not None and taint is not None:
        _becomes_a_write(call, argument, taint, beside)


def _becomes_a_write(call: Call, argument: str, taint: Taint, beside: Taint) -> None:
    call.sends, call.taint, call.beside = argument, taint, beside
    call.key = given_key(call) or handle(UNREPEATABLE)
