"""Taking a write back: a new action with a decision of its own, through the same pipeline, in the name of whoever asks.

What is called and with what was said by the server when the write succeeded, from what it really changed. It is offered
for a while, once, and only as long as nothing has touched what the write left behind.
"""

from dataclasses import replace
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import ForbiddenScope, NotFound, StateConflict, TradepostError
from tradepost.foundation.ids import new_id
from tradepost.hub.access.oauth.scopes import for_role
from tradepost.hub.access.roles import require_role
from tradepost.hub.access.scopes import SCOPES
from tradepost.hub.actions.approvers import person_behind
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.views import ActionView, view
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.pipeline import Pipeline
from tradepost.hub.gateway.steps.find_tool import catalog_of
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.registry.pinned import KEY_PARAMETER
from tradepost.protocol.builtin import Expects

UNKNOWN = "There is no action with that id."
ONLY_SUCCEEDED = "Only what was carried out can be undone: look at it first, and ask anew if something else is wanted."


class Undoing:
    """Makes the action that takes another one back."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._parts = pipeline.parts

    async def undo(self, by: Caller, action_id: str) -> ActionView:
        """The new action: it waits for a person, or a serving process carries it out at once. Asked for twice by the
        same one, it is the same action.

        Raises NotFound, ForbiddenScope (no such right, or the reverse tool is not theirs), StateConflict (not carried
        out, too late, done already, or the records moved since)."""
        async with self._parts.database.transaction(by.workspace_id, write=False) as session:
            if by.agent_id is None:
                await person_behind(session, by)
            action = await session.scalar(select(Action).where(Action.id == action_id))
            if action is None or not _may_look(by, action):
                raise NotFound(UNKNOWN, hint="List approvals with every state and take the id from there.")
            caller = await _caller(session, by, action)
            undo = await self._offered(session, action)
            earlier = await session.scalar(select(Action).where(Action.id == (action.undone_by or "")))
            if earlier is not None and _goes_on(earlier):
                if earlier.principal_id == caller.principal.id:
                    return await view(session, earlier.id)
                raise StateConflict(
                    f"This is being undone, or was, by the action {earlier.id}.", hint="It is undone once."
                )
        caller, tool = await self._tool(caller, action, str(undo["tool"]))
        key = f"undo-{action.id}" if earlier is None else f"undo-{action.id}-{earlier.id}"
        call = Call(
            caller,
            "tool",
            tool.exposed_name,
            {**undo["arguments"], KEY_PARAMETER: key},
            undoes=action.id,
            expects=Expects(undo["versions"], exactly=False),
        )
        answer = await self._pipeline.run(call)
        if call.action is None or answer.get("isError"):
            raise _refused(answer)
        async with self._parts.database.transaction(by.workspace_id, write=False) as session:
            return await view(session, call.action.id)

    async def _offered(self, session: AsyncSession, action: Action) -> Json:
        if action.state != "succeeded":
            raise StateConflict(f"The action is {action.state}.", hint=ONLY_SUCCEEDED, details={"state": action.state})
        if action.undo is None or action.undo_until is None:
            raise StateConflict(
                f"{action.exposed_name} has no natural reverse in this case, so it cannot be undone.",
                hint="Make another write that puts right what has to be.",
            )
        if action.undo_until <= await self._parts.clock.now(session):
            raise StateConflict(
                f"It could be undone until {to_rfc3339(action.undo_until)}.",
                hint="Make another write that puts right what has to be.",
            )
        return action.undo

    async def _tool(self, caller: Caller, action: Action, name: str) -> tuple[Caller, CatalogTool]:
        """The reverse tool as the caller sees it: a person with the profile's tools, and otherwise with those of the
        agent whose write it was."""
        callers = [caller]
        if caller.agent_id is None and action.agent_id is not None:
            callers.append(replace(caller, agent_id=action.agent_id))
        for one in callers:
            for tool in (await catalog_of(self._parts, one, None)).tools.values():
                if (tool.server_id, tool.raw_name) == (action.server_id, name):
                    return one, tool
        raise ForbiddenScope(
            f"It is undone with the tool {name}, which is not among the tools of whoever asks.",
            hint="Ask a person who may use it, or an admin to assign it.",
        )


async def _caller(session: AsyncSession, by: Caller, action: Action) -> Caller:
    """Who undoes. An agent, its own writes as itself; a person who may approve in the profile, as that person, bound to
    what the write was bound to."""
    if by.agent_id is not None:
        return by.for_request(new_id("req"))
    user = await require_role(session, by, "operator", action.profile_id)
    if user is None:
        raise ForbiddenScope("A write is undone by a named person.", hint="Say who: an operator, admin or owner.")
    scopes = for_role(SCOPES, user.role)
    return replace(
        by.for_request(new_id("req")),
        profile_id=action.profile_id,
        scopes=scopes & by.scopes if by.scopes else scopes,
        attributes=MappingProxyType(dict(action.caller["attributes"])),
        seen=None,
    )


def _may_look(by: Caller, action: Action) -> bool:
    return by.agent_id is None or (by.agent_id == action.agent_id and action.principal_kind != "shopper")


def _goes_on(earlier: Action) -> bool:
    return earlier.state not in ("rejected", "expired", "canceled", "failed")


def _refused(answer: Json) -> TradepostError:
    said = answer.get("structuredContent") or {}
    message = str(said.get("message") or "the tool gave no reason")
    hint = said.get("hint") if isinstance(said.get("hint"), str) else None
    return StateConflict(f"It cannot be undone: {message}", hint=hint, details=said.get("details") or {})
