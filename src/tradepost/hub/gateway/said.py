"""What the audit is given of a call beside the facts: its arguments, its answer and its decision's rule."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.hub.actions.models import Action, ActionVerdict
from tradepost.hub.audit.keeping import Said
from tradepost.hub.gateway.call import Call
from tradepost.hub.registry.catalog import CatalogTool


def asked_of(call: Call) -> Said:
    """The arguments of a call, for the row that stands before its effect."""
    return Said(call.arguments, call.entry if isinstance(call.entry, CatalogTool) else None)


def said_of(call: Call) -> Said:
    """Arguments and answer of a call that has one row. An answer that came in as a text is not kept for its size."""
    tool = call.entry if isinstance(call.entry, CatalogTool) else None
    if call.source is not None:
        return Said(call.arguments, tool, None, len(call.source))
    return Said(call.arguments, tool, call.answer or call.result)


def answered_of(call: Call) -> Said:
    """The answer of a write, whose arguments stand in the row of its intent."""
    return Said(None, None, call.result, None if call.source is None else len(call.source))


def way_of(caller: Caller) -> dict[str, Any]:
    """How the caller came to the tool, among the details of a row, where it is not the way of agents."""
    return {"way": "test"} if caller.trial is not None else {}


def rule_of(call: Call) -> str | None:
    """The workspace's rule that decided, where one did."""
    if call.decision is not None:
        return call.decision.rule_id
    return call.action.rule_id if call.action is not None else None


async def approvers_of(session: AsyncSession, action: Action) -> dict[str, Any]:
    """Who said yes to what is carried out, as AuditFact has it."""
    if action.decision != "ask":
        return {}
    said_yes = (
        select(ActionVerdict.user_id)
        .where(
            ActionVerdict.action_id == action.id,
            ActionVerdict.round == action.round,
            ActionVerdict.verdict == "approve",
        )
        .order_by(ActionVerdict.created_at, ActionVerdict.id)
    )
    approvers = list(await session.scalars(said_yes))
    if len(approvers) < 2:
        return {"approver_id": approvers[0] if approvers else None}
    return {"approver_id": approvers[0], "details": {"approvers": approvers}}
