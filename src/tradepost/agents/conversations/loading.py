"""What a turn goes on from: everything that was kept of it and of the conversation before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.asked import from_record
from tradepost.agents.conversations.claims import Claim
from tradepost.agents.conversations.models import Conversation, ConversationStep, ConversationTurn, ConversationWait
from tradepost.agents.ports import Awaited, Spent, Step, Turn
from tradepost.database.engine import Database

MOST_EARLIER = 50  # turns that are looked back at


@dataclass(frozen=True, slots=True)
class Unheard:
    """A wait that has ended, and whose outcome nobody has asked for yet."""

    wait_id: str
    awaited: Awaited


@dataclass(frozen=True, slots=True)
class Loaded:
    """A turn as the runtime takes it, and what it waited for and does not know yet."""

    turn: Turn
    unheard: tuple[Unheard, ...]

    def with_decided(self, heard: dict[str, dict[str, object]]) -> Turn:
        """The turn with the outcomes of those, by the model's id of the call."""
        return replace(self.turn, decided={**self.turn.decided, **heard})


async def load(database: Database, claim: Claim) -> Loaded:
    """What is known of a claimed turn."""
    async with database.transaction(claim.workspace_id, write=False) as session:
        turn = (await session.scalars(select(ConversationTurn).where(ConversationTurn.id == claim.turn_id))).one()
        conversation = (
            await session.scalars(select(Conversation).where(Conversation.id == claim.conversation_id))
        ).one()
        waits = list(await session.scalars(select(ConversationWait).where(ConversationWait.turn_id == turn.id)))
        return Loaded(
            Turn(
                run_id=turn.run_id,
                conversation_id=conversation.id,
                asked_by=from_record(claim.workspace_id, turn.caller, turn.request_id, turn.run_id),
                agent=conversation.agent_id,
                message=turn.message,
                earlier=await _earlier(session, turn),
                done=await _steps(session, [turn.id]),
                decided={one.tool_call_id: one.result for one in waits if one.result is not None},
            ),
            tuple(
                Unheard(one.id, Awaited(one.agent, one.tool_call_id, one.tool, one.approval_id))
                for one in waits
                if one.result is None
            ),
        )


async def _earlier(session: AsyncSession, turn: ConversationTurn) -> list[Step]:
    """The steps of the turns before, as far back as is looked: of those that have ended, and of those that wait."""
    before = (
        select(ConversationTurn.id)
        .where(ConversationTurn.conversation_id == turn.conversation_id, ConversationTurn.number < turn.number)
        .order_by(ConversationTurn.number.desc())
        .limit(MOST_EARLIER)
    )
    ids = list(await session.scalars(before))
    return await _steps(session, ids) if ids else []


async def _steps(session: AsyncSession, turn_ids: Sequence[str]) -> list[Step]:
    wanted = select(ConversationStep).where(ConversationStep.turn_id.in_(turn_ids)).order_by(ConversationStep.number)
    return [step_of(row) for row in await session.scalars(wanted)]


def step_of(row: ConversationStep) -> Step:
    """A step again."""
    return Step(
        kind=row.kind,  # type: ignore[arg-type]  # as it was when it was kept
        agent=row.agent,
        content=row.content,
        messages=tuple(row.messages),
        spent=Spent(row.tokens_in, row.tokens_out, row.cost_micros, row.latency_ms),
        tool_call_id=row.tool_call_id,
        request_id=row.request_id,
    )
