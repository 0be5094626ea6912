"""Keeping what happens in a turn while it runs: each step in a transaction of its own, by the holder of the claim
alone."""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, bindparam, case, func, insert, update

from tradepost.agents.conversations.claims import Claim
from tradepost.agents.conversations.elsewhere import Telling
from tradepost.agents.conversations.models import Conversation, ConversationStep, ConversationTurn
from tradepost.agents.conversations.ports import Hub
from tradepost.agents.conversations.watching import Delta, Watchers
from tradepost.agents.ports import Step
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now
from tradepost.foundation.ids import new_id

# Run for every step of every turn: built once, and past the ORM, which takes longer over them than the database does.
# So they name the workspace themselves.
_turns: Any = ConversationTurn.__table__
_conversations: Any = Conversation.__table__
_cost = bindparam("more_cost", type_=BigInteger())
_ADD_TO_TURN = (
    update(_turns)
    .where(
        _turns.c.workspace_id == bindparam("of_workspace"),
        _turns.c.id == bindparam("of_turn"),
        _turns.c.fence == bindparam("of_fence"),
        _turns.c.status == "running",
    )
    .values(
        version=_turns.c.version + 1,
        tokens_in=_turns.c.tokens_in + bindparam("more_tokens_in"),
        tokens_out=_turns.c.tokens_out + bindparam("more_tokens_out"),
        # None where no price is known at all.
        cost_micros=case((_cost.is_(None), _turns.c.cost_micros), else_=func.coalesce(_turns.c.cost_micros, 0) + _cost),
        latency_ms=_turns.c.latency_ms + bindparam("more_latency_ms"),
        tool_calls=_turns.c.tool_calls + bindparam("more_calls"),
    )
    .returning(_turns.c.canceled_by)
)
_NEXT_NUMBER = (
    update(_conversations)
    .where(
        _conversations.c.workspace_id == bindparam("of_workspace"), _conversations.c.id == bindparam("of_conversation")
    )
    .values(steps=_conversations.c.steps + 1)
    .returning(_conversations.c.steps)
)
_ADD_STEP = insert(ConversationStep.__table__)  # type: ignore[arg-type]


class Record:
    """A Recorder of one turn. `give_up` ends the run: the claim is lost, or somebody wants it to stop."""

    def __init__(
        self, database: Database, hub: Hub, watchers: Watchers, telling: Telling, by: Caller, claim: Claim, now: Now,
        give_up: Callable[[], object],
    ) -> None:  # fmt: skip
        self._database = database
        self._hub = hub
        self._watchers = watchers
        self._telling = telling
        self._by = by
        self._claim = claim
        self._now = now
        self._give_up = give_up
        self._last_step = 0
        self.is_lost = False
        self.is_over = False  # the run has ended by itself; its end is being kept
        self.canceled_by: str | None = None
        self.error: Exception | None = None

    async def step(self, step: Step) -> None:
        """See Recorder. Ends the run where the step cannot be kept: it must not go on without."""
        try:
            # To its end, also when the run is called off meanwhile: half a commit is not known to be one.
            await asyncio.shield(asyncio.ensure_future(self._keep(step)))
        except Exception as error:
            self.error = error
            self._give_up()
            raise asyncio.CancelledError from error
        if self.is_lost or self.canceled_by is not None:
            self._give_up()
            raise asyncio.CancelledError

    def delta(self, agent: str, text: str) -> None:
        """See Recorder."""
        if not self.is_lost:
            self._watchers.delta(self._claim.conversation_id, Delta(self._claim.turn_id, agent, text))
            self._telling.say(self._claim, agent, text, self._last_step)

    async def _keep(self, step: Step) -> None:
        claim, spent = self._claim, step.spent
        await self._telling.before_step(claim)
        async with self._database.transaction(claim.workspace_id, write=True) as session:
            connection = await session.connection()
            adding = {
                "of_workspace": claim.workspace_id,
                "of_turn": claim.turn_id,
                "of_fence": claim.fence,
                "more_tokens_in": spent.tokens_in,
                "more_tokens_out": spent.tokens_out,
                "more_latency_ms": round(spent.latency_ms),
                "more_calls": int(step.kind == "tool_call"),
                "more_cost": spent.cost_micros,
            }
            row = (await connection.execute(_ADD_TO_TURN, adding)).one_or_none()
            if row is None:
                self.is_lost = True
                return
            self.canceled_by = row[0]
            known = {"of_workspace": claim.workspace_id, "of_conversation": claim.conversation_id}
            number = (await connection.execute(_NEXT_NUMBER, known)).scalar()
            await connection.execute(_ADD_STEP, _row(step, claim, int(number or 0), self._now))
            self._hub.publish(session, self._by, "conversation:step", claim.conversation_id)
        self._last_step = int(number or 0)
        self._watchers.stir(claim.conversation_id)


def _row(step: Step, claim: Claim, number: int, now: Now) -> dict[str, Any]:
    spent = step.spent
    return {
        "workspace_id": claim.workspace_id,
        "id": new_id("stp"),
        "conversation_id": claim.conversation_id,
        "turn_id": claim.turn_id,
        "number": number,
        "kind": step.kind,
        "agent": step.agent,
        "content": step.content,
        "messages": list(step.messages),
        "tokens_in": spent.tokens_in,
        "tokens_out": spent.tokens_out,
        "cost_micros": spent.cost_micros,
        "latency_ms": spent.latency_ms,
        "tool_call_id": step.tool_call_id,
        "request_id": step.request_id,
        "at": now(),
    }
