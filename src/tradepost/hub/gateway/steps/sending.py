"""A read of another server that takes something out, in a run that has read what outsiders wrote, goes on as a write:
it is decided by the flow rule, waits for people where that asks, and has an intent. The model may have been told to
send on what it knows, and what has been sent cannot be called back."""

from collections.abc import Awaitable

from tradepost.foundation.ids import handle
from tradepost.hub.actions.models import UNREPEATABLE
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.steps.validate import given_key
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.registry.outward import outward_argument


def sending(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Sets `sends` of a call that takes something out. Raises InvalidArgument for a key that is none."""
    tool = call.entry
    if not isinstance(tool, CatalogTool) or tool.tool_class != "read" or tool.server_kind == "builtin":
        return None
    argument = outward_argument(tool.definition.get("inputSchema"), call.arguments)
    if argument is None:
        return None
    call.taint = parts.taints.at_hand(call.caller, call.run_id)
    if call.taint is None:
        return _look(call, parts, argument)
    _becomes_a_write(call, argument)
    return None


async def _look(call: Call, parts: Parts, argument: str) -> None:
    """Another process may have answered the run."""
    async with parts.database.transaction(call.caller.workspace_id, write=False, quick=True) as session:
        call.taint = await parts.taints.look(session, call.caller, call.run_id)
    if call.taint is not None:
        _becomes_a_write(call, argument)


def _becomes_a_write(call: Call, argument: str) -> None:
    call.sends = argument
    call.key = given_key(call) or handle(UNREPEATABLE)
