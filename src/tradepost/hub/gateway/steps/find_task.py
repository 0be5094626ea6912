"""Finding the task that is asked about, among those of this very principal. An id that was never given, is somebody
else's or has had its time gets the same words: nobody learns which."""

from sqlalchemy import select

from tradepost.foundation.errors import NotFound
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.views import view
from tradepost.hub.actions.withdraw import withdraw
from tradepost.hub.gateway.action_tasks import detailed, is_over
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.protocol.tasks import CANCEL


async def find_task(call: Call, parts: Parts) -> None:
    """Answers from the caller's action of that id; a cancelation withdraws it if nothing is under way. Raises
    NotFound."""
    cancels = call.task_method == CANCEL
    async with parts.database.transaction(call.caller.workspace_id, write=cancels) as session:
        action = await session.scalar(select(Action).where(Action.id == call.name))
        if action is None or not _is_theirs(action, call) or is_over(action, await parts.clock.now(session)):
            raise unknown_task()
        call.action = action
        if cancels:
            await withdraw(session, parts.audit, call.caller, action)
            call.answer = {}
        else:
            # An update answers questions, and an action asks its client none.
            call.answer = detailed(action, await view(session, action.id))


def unknown_task() -> NotFound:
    """What every id gets that is not a task of this caller."""
    return NotFound(
        "There is no such task.",
        hint="Use the taskId that a call was answered with, with the key that made the call. Tasks end some time after "
        "their result.",
        field="taskId",
    )


def _is_theirs(action: Action, call: Call) -> bool:
    principal = call.caller.principal
    return (action.principal_kind, action.principal_id) == (principal.kind, principal.id)
