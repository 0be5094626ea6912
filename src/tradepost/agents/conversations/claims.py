"""Which process runs a turn: one at a time, by a lease with a fence. A process that died loses its turns to another one
when its leases end; one that was only slow finds its fence outdated, and nothing it says counts any more.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.models import Conversation, ConversationTurn
from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.clock import Now, system_now

LEASE = timedelta(seconds=60)

_now: BindParameter[datetime] = bindparam("now")
_of_turn = and_(
    Conversation.workspace_id == ConversationTurn.workspace_id, Conversation.id == ConversationTurn.conversation_id
)
_due = or_(
    and_(
        ConversationTurn.status == "queued",
        Conversation.running_turn.is_(None),
        Conversation.with_person.is_(None),  # while a person has it, the assistant keeps silent
    ),
    and_(ConversationTurn.status == "running", ConversationTurn.lease_until <= _now),
)
# Asked for as long as the hub runs: made once.
_ANY_DUE = Lookup(select(ConversationTurn.id).join(Conversation, _of_turn).where(_due).limit(1))
_TO_CLAIM = (
    select(Conversation, ConversationTurn)
    .join(Conversation, _of_turn)
    .where(_due)
    .order_by(ConversationTurn.created_at, ConversationTurn.number)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)  # other processes look for others
)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run one turn."""

    workspace_id: str
    conversation_id: str
    turn_id: str
    fence: int
    attempts: int


class Claims:
    """Claims turns for one process, named by `owner`."""

    def __init__(self, database: Database, owner: str, now: Now = system_now, length: timedelta = LEASE) -> None:
        self.owner = owner
        self.length = length
        self._database = database
        self._now = now

    async def claim_due(self, most: int, mine: Collection[str] = ()) -> list[Claim]:
        """Claim turns that wait, and running ones whose process has died, the longest waiting first; of each
        conversation one, and none of `mine`, which run here however late their leases are renewed."""
        async with self._database.system(write=False, quick=True) as session:
            if not await _ANY_DUE.rows(session, {"now": self._now()}):
                return []
        async with self._database.system(write=True) as session:
            now = self._now()
            claimed: dict[str, Claim] = {}
            for conversation, turn in (await session.execute(_TO_CLAIM, {"now": now, "most": most})).all():
                if conversation.id in claimed or turn.id in mine:
                    continue
                turn.status, turn.lease_owner, turn.lease_until = "running", self.owner, now + self.length
                turn.fence += 1
                turn.attempts += 1
                turn.started_at = turn.started_at or now
                conversation.running_turn = turn.id
                claim = Claim(turn.workspace_id, conversation.id, turn.id, turn.fence, turn.attempts)
                claimed[conversation.id] = claim
        return list(claimed.values())

    async def renew(self) -> dict[tuple[str, int], str | None]:
        """Hold on to all that this process has for another lease. Returns them, by turn and fence, with who wants them
        to stop. One statement, however many they are: it must not come late where very many run."""
        turn = ConversationTurn
        async with self._database.system(write=True) as session:
            rows = await session.execute(
                update(turn)
                .where(turn.lease_owner == self.owner, turn.status == "running")
                .values(lease_until=self._now() + self.length)
                .returning(turn.id, turn.fence, turn.canceled_by)
                .execution_options(synchronize_session=False)
            )
            return {(turn_id, fence): canceled_by for turn_id, fence, canceled_by in rows}

    async def give_back(self, claim: Claim, *, after: timedelta = timedelta(0), counts: bool = False) -> None:
        """Let another process go on with it, after a while. Unless it `counts`, this was no attempt."""
        async with self._database.transaction(claim.workspace_id, write=True) as session:
            values: dict[str, Any] = {"lease_until": self._now() + after, "lease_owner": None}
            if not counts:
                values["attempts"] = ConversationTurn.attempts - 1
            await change(session, claim, **values)


def held(claim: Claim) -> tuple[Any, ...]:
    """The conditions under which a claim still holds."""
    turn = ConversationTurn
    return (
        turn.workspace_id == claim.workspace_id,
        turn.id == claim.turn_id,
        turn.fence == claim.fence,
        turn.status == "running",
    )


async def change(session: AsyncSession, claim: Claim, **values: Any) -> bool:
    """Change a turn that is still held. False: the claim is lost, and nothing was changed."""
    statement = (
        update(ConversationTurn)
        .where(*held(claim))
        .values(version=ConversationTurn.version + 1, **values)
        .returning(ConversationTurn.id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None


async def set_free(session: AsyncSession, claim: Claim, now: datetime) -> None:
    """Let the next turn of the conversation be run."""
    await session.execute(
        update(Conversation)
        .where(Conversation.workspace_id == claim.workspace_id, Conversation.id == claim.conversation_id)
        .values(running_turn=None, last_at=now, version=Conversation.version + 1)
        .execution_options(synchronize_session=False)
    )
