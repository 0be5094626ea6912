"""What a turn goes on from: everything that was kept of it and of the conversation before."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.asked import from_record
from tradepost.agents.conversations.claims import Claim
from tradepost.agents.conversations.handover_models import ConversationRemark
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
                agent=conversation.agent,
                message=turn.message,
                earlier=await _earlier(session, turn, conversation.agent),
                done=await _steps(session, [turn.id]),
                decided={one.tool_call_id: one.result for one in waits if one.result is not None},
            ),
            tuple(
                Unheard(one.id, Awaited(one.agent, one.tool_call_id, one.tool, one.approval_id))
                for one in waits
                if one.result is None
            ),
        )


async def _earlier(session: AsyncSession, turn: ConversationTurn, agent: str) -> list[Step]:
    """The steps of the turns before, as far back as is looked: of those that have ended, and of those that wait; and
    what a person of the shop said between them."""
    before = (
        select(ConversationTurn.id, ConversationTurn.number)
        .where(ConversationTurn.conversation_id == turn.conversation_id, ConversationTurn.number < turn.number)
        .order_by(ConversationTurn.number.desc())
        .limit(MOST_EARLIER)
    )
    numbers: dict[str, int] = {one.id: one.number for one in await session.execute(before)}
    persons = await _of_persons(session, turn.conversation_id, agent, since=min(numbers.values(), default=1) - 1)
    rows = await _rows(session, numbers) if numbers else []
    steps = [(numbers[row.turn_id], 0, step_of(row)) for row in rows] + persons
    return [step for _, _, step in sorted(steps, key=lambda one: one[:2])]


async def _of_persons(
    session: AsyncSession, conversation_id: str, agent: str, since: int
) -> list[tuple[int, int, Step]]:
    """What persons of the shop said, each time as a message and its answer, with the turn that it stands after. What
    the customer said to them is not for a model that has tools."""
    remark = ConversationRemark
    of_persons = remark.conversation_id == conversation_id, remark.author == "person", remark.after_turn >= since
    said: defaultdict[int, list[str]] = defaultdict(list)
    for one in await session.scalars(select(remark).where(*of_persons).order_by(remark.number)):
        said[one.after_turn].append(one.text)
    return [
        (number, 1, step)
        for number, texts in said.items()
        for step in (
            Step("message", agent, {"text": "(The customer talked with a person of the shop.)"}),
            Step("answer", agent, {"text": "The person of the shop said: " + "\n".join(texts)}),
        )
    ]


async def _steps(session: AsyncSession, turn_ids: Collection[str]) -> list[Step]:
    return [step_of(row) for row in await _rows(session, turn_ids)]


async def _rows(session: AsyncSession, turn_ids: Collection[str]) -> list[ConversationStep]:
    wanted = select(ConversationStep).where(ConversationStep.turn_id.in_(turn_ids)).order_by(ConversationStep.number)
    return list(await session.scalars(wanted))


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
