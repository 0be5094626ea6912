"""How much an agent may ask of people: a queue that nobody can read through protects nothing."""

from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import RateLimited
from tradepost.hub.access.models import Agent, ShopperSession
from tradepost.hub.actions.models import Action, ActionState
from tradepost.hub.limits.quotas import Quotas

_MINUTE = timedelta(minutes=1)


async def require_room(session: AsyncSession, caller: Caller, quotas: Quotas, now: datetime) -> None:
    """Raises RateLimited when the caller's agent (of shoppers, each one) has asked too much; in a transaction that
    asks, since others who ask for the same agent wait until it has ended."""
    await session.scalar(_whose_row(caller))
    waiting = select(func.count()).select_from(Action).where(Action.state == "pending", _whose(caller))
    if (await session.scalar(waiting) or 0) >= quotas.approvals_pending:
        raise RateLimited(
            f"{quotas.approvals_pending} writes wait for people already: nobody is asked for more.",
            hint="Wait until some were answered, or take some back. An admin can change the limit approvals_pending.",
            retry_after_seconds=60,
        )
    asked = (
        select(func.count())
        .select_from(Action)
        .where(
            Action.state.in_(get_args(ActionState)),  # the index begins with it
            Action.created_at > now - _MINUTE,
            Action.decision == "ask",
            _whose(caller),
        )
    )
    if (await session.scalar(asked) or 0) >= quotas.approvals_per_minute:
        raise RateLimited(
            f"People were asked {quotas.approvals_per_minute} times within a minute.",
            hint="Ask again in a minute. An admin can change the limit approvals_per_minute.",
            retry_after_seconds=60,
        )


def _whose(caller: Caller) -> ColumnElement[bool]:
    if caller.agent_id is None or caller.principal.kind == "shopper":
        return Action.principal_id == caller.principal.id
    return Action.agent_id == caller.agent_id


def _whose_row(caller: Caller) -> Select[str]:
    """The row that stands for whoever asks, locked: of two at the same moment one counts after the other."""
    if caller.principal.kind == "shopper":
        return select(ShopperSession.id).where(ShopperSession.id == caller.principal.id).with_for_update()
    return select(Agent.id).where(Agent.id == (caller.agent_id or "")).with_for_update()
