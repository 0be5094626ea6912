"""Finding the task that is asked about, among those of this very principal. An id that was never given, is somebody
else's or has had its time gets the same words: nobody learns which."""

from sqlalchemy import select

from tradepost.foundation.errors import NotFound
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.views import view_for_caller
from tradepost.hub.actions.withdraw import withdraw
from tradepost.hub.gateway.action_tasks import detailed, held_task, is_over
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.steps.find_tool import catalog_of
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.protocol.tasks import CANCEL, GET


async def find_task(call: Call, parts: Parts) -> None:
    """A task that its server works on gets `call.entry` and `call.task_id`, to be asked about there; any other one is
    answered from the caller's action, which a cancelation withdraws if nothing is under way. Raises NotFound."""
    handle = parts.tasks.opened(call.caller, call.name)
    if handle is not None:
        call.entry = await _assigned(call, parts, handle.entry_id, handle.server_url)
        call.task_id = handle.upstream_id
        if call.entry is None:
            raise unknown_task()
        return
    action = await _own_action(call, parts)
    call.action = action
    held = held_task(action)
    if held is not None:
        call.entry = await _assigned(call, parts, action.tool_entry_id, action.server_url, action.server_id)
        call.task_id = held["taskId"] if call.entry is not None else None
    if call.task_id is None:
        await _answer_from_row(call, parts, action)


async def take_up_task(call: Call, parts: Parts) -> None:
    """For the process that follows a task until it ends. Raises NotFound when the agent has the tool no more."""
    action = call.action
    held = held_task(action) if action is not None else None
    if action is None or held is None:
        raise RuntimeError("Only an action with a task can be followed.")
    call.entry = await _assigned(call, parts, action.tool_entry_id, action.server_url, action.server_id)
    if call.entry is None:
        raise NotFound(f"{action.exposed_name} is no longer enabled and assigned, so its server cannot be asked.")
    call.task_id = held["taskId"]


async def as_it_stands(call: Call, parts: Parts) -> None:
    """Answers from the action's row, whatever is under way."""
    async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
        shown = await view_for_caller(session, call.name)
        action = (await session.scalars(select(Action).where(Action.id == call.name))).one()
        call.error, call.answer = None, detailed(action, shown)


def unknown_task() -> NotFound:
    """What every id gets that is not a task of this caller."""
    return NotFound(
        "There is no such task.",
        hint="Use the taskId that a call was answered with, with the key that made the call. Tasks end some time after "
        "their result.",
        field="taskId",
    )


async def _own_action(call: Call, parts: Parts) -> Action:
    principal = call.caller.principal
    async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
        action = await session.scalar(select(Action).where(Action.id == call.name))
        if action is None or (action.principal_kind, action.principal_id) != (principal.kind, principal.id):
            raise unknown_task()
        if is_over(action, await parts.clock.now(session)):
            raise unknown_task()
        return action


async def _answer_from_row(call: Call, parts: Parts, action: Action) -> None:
    if call.task_method == CANCEL:
        async with parts.database.transaction(call.caller.workspace_id, write=True) as session:
            await withdraw(session, parts.audit, call.caller, action)
    if call.task_method == GET:
        await as_it_stands(call, parts)
    else:
        call.answer = {}  # an action asks its client nothing, so an update changes nothing


async def _assigned(
    call: Call, parts: Parts, entry_id: str, server_url: str | None, server_id: str | None = None
) -> CatalogTool | None:
    """The tool, if the agent still has it and it is still at the server that knows the task: the place of a write can
    have gone over to another server, which knows nothing of it."""
    catalog = await catalog_of(parts, call.caller, None)
    found = next((tool for tool in catalog.tools.values() if tool.entry_id == entry_id), None)
    if found is None or found.server_url != server_url or server_id not in (None, found.server_id):
        return None
    return found
