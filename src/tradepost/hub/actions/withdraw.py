"""Whoever asked for a write may take it back, as long as nothing is under way. It changes nothing else, so it needs no
role: an agent can withdraw, and still never approve."""

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.hub.actions.models import Action, ActionState
from tradepost.hub.actions.recorded import about
from tradepost.hub.actions.states import move
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.events.publish import publish

_OPEN: tuple[ActionState, ...] = ("pending", "approved")


async def withdraw(session: AsyncSession, audit: AuditWriter, by: Caller, action: Action) -> bool:
    """Cancel the caller's own action if it is pending, or approved and not yet started. Returns whether it was."""
    for before in _OPEN:
        if await move(session, action.workspace_id, action.id, before, "canceled"):
            break
    else:
        return False
    fact = AuditFact.of(
        by,
        "decision",
        "approval:withdrawn",
        **about(action),
        decision="withdrawn",
        outcome="canceled",
    )
    audit.record(session, fact)
    publish(session, action.workspace_id, "action:canceled", action.id, actor=by.principal.id, request_id=by.request_id)
    return True
