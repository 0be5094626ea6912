"""Before a write is sent, the intent is durable: the audit row and the mark that the server may have been reached stand
in one committed transaction. If they cannot be stored, nothing is sent."""

from collections.abc import Awaitable

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.again import whole
from tradepost.foundation.errors import StateConflict, Unavailable
from tradepost.hub.actions.lease import Claim, mark_started
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.places import Draft, open_place
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.claims import LostClaim
from tradepost.hub.gateway.earlier import answer_from_earlier
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.said import approvers_of, asked_of, rule_of, way_of
from tradepost.hub.gateway.steps.await_approval import await_approval, target_of
from tradepost.hub.gateway.weighing import counted, denied
from tradepost.hub.policy.decide import Decision, Deny
from tradepost.hub.trust.signal import read_before

HINT = "Nothing was changed. If it is still wanted, the agent asks again with a new idempotency key."


def intent(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Opens the action of an allowed write, or marks an approved one as started. Raises Unavailable, LostClaim."""
    return _declare(call, parts) if call.writes else None


async def _declare(call: Call, parts: Parts) -> None:
    claimed = call.claim is not None
    try:
        await parts.audit.prepare(call.caller.workspace_id)
        earlier = await whole(lambda: _stored(call, parts, claimed=claimed))
    except _Overtaken as overtaken:
        await _ask_instead(call, parts, overtaken.decision, claimed=claimed)
        return
    except (SQLAlchemyError, OSError) as error:
        raise Unavailable(
            "The hub's records cannot be written, so no write is carried out.",
            hint="Nothing was changed. Try again in a moment.",
            retry_after_seconds=5,
        ) from error
    if earlier is not None:
        await answer_from_earlier(call, parts, earlier)
        return
    parts.checkpoint("intended")


async def _stored(call: Call, parts: Parts, *, claimed: bool) -> Action | None:
    """One transaction: the action, what policy counts of it, and its intent. Returns the action of an earlier call, if
    there is one: then nothing of this call is kept."""
    async with parts.database.transaction(call.caller.workspace_id, write=True) as session:
        earlier = None if claimed else await _open(call, parts, session)
        if earlier is None:
            await _count(call, parts, session)
            parts.checkpoint("counted")
            await _start(call, parts, session)
    return earlier


class _Overtaken(Exception):
    """Others have used a running total up since the call was decided: this transaction keeps nothing."""

    def __init__(self, decision: Decision) -> None:
        super().__init__()
        self.decision = decision


async def _count(call: Call, parts: Parts, session: AsyncSession) -> None:
    """Count the write, once: a second attempt of it finds it counted. Raises _Overtaken."""
    if call.claim is None or call.action is None or call.claim.started:
        return
    decision = await counted(call, parts, session, call.action)
    if decision is not None:
        raise _Overtaken(decision)


async def _ask_instead(call: Call, parts: Parts, decision: Decision, *, claimed: bool) -> None:
    """Raises LimitExceeded for a denial, StateConflict for an action that was there before: too few people approved it,
    or it was set down when nobody had to."""
    call.decision = decision
    if claimed:
        raise StateConflict(f"Policy does not let this run any more: {decision.reason}.", hint=HINT)
    call.action = call.claim = None  # it was never opened
    if isinstance(decision, Deny):
        raise denied(call.name, decision)
    asking = await_approval(call, parts)
    if asking is not None:
        await asking


async def _open(call: Call, parts: Parts, session: AsyncSession) -> Action | None:
    """Open an allowed write for this process to carry out. Returns the action of an earlier call, if there is one."""
    if call.key is None or call.decision is None:
        raise RuntimeError("A write reached its intent without key or decision.")
    draft = Draft(
        caller=call.caller,
        target=target_of(call),
        key=call.key,
        arguments=call.arguments,
        state="executing",
        decision="allow",
        decision_reason=call.decision.reason,
        rule_id=call.decision.rule_id,
        run_id=call.run_id,
        taint=read_before(call.taint, call.signal or parts.signals.at_hand(call.caller, call.run_id)),
        lease_owner=parts.leases.owner,
        lease_until=await parts.clock.now(session) + parts.leases.length,
    )
    action, made = await open_place(session, draft)
    if not made:
        return action
    session.expunge(action)  # else it is gone with a commit that fails, and nobody could say what became of it
    call.action = action
    call.claim = Claim(action.workspace_id, action.id, action.fence, started=False)
    return None


async def _start(call: Call, parts: Parts, session: AsyncSession) -> None:
    claim, action = call.claim, call.action
    if claim is None or action is None:
        raise RuntimeError("A write reached its intent without an action.")
    if not await mark_started(session, claim):
        raise LostClaim(claim.action_id)
    if claim.started:
        return  # the intent row of the first attempt stands
    who = await approvers_of(session, action)
    fact = AuditFact.of(
        call.caller,
        "intent",
        "tool:call",
        run_id=call.run_id,
        server=call.tool.server_slug,
        tool=call.tool.raw_name,
        action_id=claim.action_id,
        arguments_digest=call.arguments_digest,
        definition_digest=call.tool.digest,
        decision=action.decision,
        rule_id=rule_of(call),
        approver_id=who.get("approver_id"),
        details={"reason": action.decision_reason, **who.get("details", {}), **way_of(call.caller)},
    )
    parts.audit.record(session, fact, asked_of(call))
