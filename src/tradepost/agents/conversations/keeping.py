"""Keeping what happens in a turn while it runs: each step in a transaction of its own, by the holder of the claim
alone."""

import asyncio
from collections.abc import Callable

from sqlalchemy import func, update

from tradepost.agents.conversations.claims import Claim, held
from tradepost.agents.conversations.models import Conversation, ConversationStep, ConversationTurn
from tradepost.agents.conversations.ports import Hub
from tradepost.agents.conversations.watching import Watchers
from tradepost.agents.ports import Spent, Step
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now
from tradepost.foundation.ids import new_id


class Record:
    """A Recorder of one turn. `give_up` ends the run: the claim is lost, or somebody wants it to stop."""

    def __init__(
        self, database: Database, hub: Hub, watchers: Watchers, by: Caller, claim: Claim, now: Now,
        give_up: Callable[[], object],
    ) -> None:  # fmt: skip
        self._database = database
        self._hub = hub
        self._watchers = watchers
        self._by = by
        self._claim = claim
        self._now = now
        self._give_up = give_up
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
            self._watchers.delta(self._claim.conversation_id, self._claim.turn_id, agent, text)

    async def _keep(self, step: Step) -> None:
        claim, spent, turn = self._claim, step.spent, ConversationTurn
        async with self._database.transaction(claim.workspace_id, write=True) as session:
            row = (
                await session.execute(
                    update(turn).where(*held(claim)).values(
                        version=turn.version + 1,
                        tokens_in=turn.tokens_in + spent.tokens_in,
                        tokens_out=turn.tokens_out + spent.tokens_out,
                        cost_micros=_sum(spent),
                        latency_ms=turn.latency_ms + round(spent.latency_ms),
                        tool_calls=turn.tool_calls + (step.kind == "tool_call"),
                    )
                    .returning(turn.canceled_by)
                    .execution_options(synchronize_session=False)
                )
            ).one_or_none()  # fmt: skip
            if row is None:
                self.is_lost = True
                return
            self.canceled_by = row[0]
            number = await session.scalar(
                update(Conversation)
                .where(Conversation.id == claim.conversation_id)
                .values(steps=Conversation.steps + 1)
                .returning(Conversation.steps)
                .execution_options(synchronize_session=False)
            )
            session.add(_row(step, claim, int(number or 0), self._now))
            self._hub.publish(session, self._by, "conversation:step", claim.conversation_id)
        self._watchers.stir(claim.conversation_id)


def _sum(spent: Spent) -> object:
    """None where no price is known at all."""
    cost = ConversationTurn.cost_micros
    return cost if spent.cost_micros is None else func.coalesce(cost, 0) + spent.cost_micros


def _row(step: Step, claim: Claim, number: int, now: Now) -> ConversationStep:
    spent = step.spent
    return ConversationStep(
        workspace_id=claim.workspace_id,
        id=new_id("stp"),
        conversation_id=claim.conversation_id,
        turn_id=claim.turn_id,
        number=number,
        kind=step.kind,
        agent=step.agent,
        content=step.content,
        messages=list(step.messages),
        tokens_in=spent.tokens_in,
        tokens_out=spent.tokens_out,
        cost_micros=spent.cost_micros,
        latency_ms=spent.latency_ms,
        tool_call_id=step.tool_call_id,
        request_id=step.request_id,
        at=now(),
    )
