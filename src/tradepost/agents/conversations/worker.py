"""The part of the serving process that runs turns: claims them, holds on to them, and hears when what they wait for has
come to its end. Any number of processes do so at once.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from tradepost.agents.conversations.claims import Claim, Claims
from tradepost.agents.conversations.keeping import Record
from tradepost.agents.conversations.models import ConversationTurn, ConversationWait
from tradepost.agents.conversations.ports import Hub
from tradepost.agents.conversations.running import AGAIN, Runs
from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.rounds import Rounds

AT_ONCE = 250  # turns in flight in one process
POLL_SECONDS = 0.5
WAITS_SECONDS = 1.0
GRACE_SECONDS = 5.0
MOST_WAITS = 500  # approvals that are asked about in one go

_log = logging.getLogger(__name__)
_OPEN_WAITS = Lookup(
    select(ConversationWait.workspace_id, ConversationWait.approval_id)
    .where(ConversationWait.ended_at.is_(None), ConversationWait.approval_id > bindparam("after"))
    .order_by(ConversationWait.approval_id)
    .limit(MOST_WAITS)
)


class Worker:
    """Runs what is due from `start` to `stop`."""

    def __init__(
        self, database: Database, hub: Hub, claims: Claims, runs: Runs, now: Now = system_now, at_once: int = AT_ONCE
    ) -> None:
        self._database = database
        self._hub = hub
        self._claims = claims
        self._runs = runs
        self._now = now
        self._at_once = at_once
        self._wake = asyncio.Event()
        self._tasks: dict[Claim, asyncio.Task[None]] = {}
        self._records: dict[str, Record] = {}
        self._claiming: asyncio.Task[None] | None = None
        self._stopping = False
        self._renewing = Rounds("turns' leases", self._renew, claims.length.total_seconds() / 4)
        self._hearing = Rounds("approvals of turns", self.hear, WAITS_SECONDS)

    async def start(self) -> None:
        """Look for turns from now on."""
        if self._claiming is None:
            self._stopping = False
            self._claiming = asyncio.create_task(self._claim_forever(), name="turns")
            self._renewing.start()
            self._hearing.start()

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Begin nothing more, let what is nearly done come to its end, and leave the rest to whoever comes next: it
        goes on after the last step that was kept."""
        self._stopping = True
        if self._claiming is not None:
            self._claiming.cancel()
            await asyncio.gather(self._claiming, return_exceptions=True)
            self._claiming = None
        await self._hearing.stop()
        tasks = set(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._renewing.stop()

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def canceled(self, turn_id: str) -> None:
        """Somebody wants a turn to stop: at once where it runs here, else its own process hears of it."""
        for claim, task in self._tasks.items():
            record = self._records.get(turn_id)
            if claim.turn_id == turn_id and record is not None and not record.is_over:
                record.canceled_by = "here"
                task.cancel()

    @property
    def running(self) -> int:
        """How many turns run here."""
        return len(self._tasks)

    async def hear(self) -> None:
        """Look which approvals have come to their end; turns that wait for nothing any more are due again."""
        after = ""
        while True:
            async with self._database.system(write=False, quick=True) as session:
                waiting = await _OPEN_WAITS.rows(session, {"after": after})
            by_workspace: defaultdict[str, set[str]] = defaultdict(set)
            for workspace_id, approval_id in waiting:
                by_workspace[workspace_id].add(approval_id)
            for workspace_id, approvals in by_workspace.items():
                ended = await self._hub.ended(workspace_id, approvals)
                if ended:
                    await self._go_on(workspace_id, ended)
            if len(waiting) < MOST_WAITS:
                return
            after = waiting[-1][1]

    async def _go_on(self, workspace_id: str, ended: set[str]) -> None:
        wait, turn = ConversationWait, ConversationTurn
        async with self._database.transaction(workspace_id, write=True) as session:
            turns = await session.scalars(
                update(wait)
                .where(wait.approval_id.in_(ended), wait.ended_at.is_(None))
                .values(ended_at=self._now())
                .returning(wait.turn_id)
                .execution_options(synchronize_session=False)
            )
            concerned = set(turns)
            open_ones = select(wait.turn_id).where(wait.turn_id.in_(concerned), wait.ended_at.is_(None))
            still = set(await session.scalars(open_ones))
            await session.execute(
                update(turn)
                .where(turn.id.in_(concerned - still), turn.status == "waiting")
                .values(status="queued", version=turn.version + 1)
                .execution_options(synchronize_session=False)
            )
        self.wake()

    async def _claim_forever(self) -> None:
        while True:
            try:
                free = self._at_once - len(self._tasks)
                for claim in await self._claims.claim_due(free) if free > 0 else ():
                    self._begin(claim)
            except (SQLAlchemyError, OSError) as error:
                _log.warning("messages wait for their answers: %s", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
            self._wake.clear()

    def _begin(self, claim: Claim) -> None:
        task = self._tasks[claim] = asyncio.create_task(self._run(claim), name=f"turn {claim.turn_id}")
        task.add_done_callback(lambda _: self._ended(claim))

    def _ended(self, claim: Claim) -> None:
        self._tasks.pop(claim, None)
        self._records.pop(claim.turn_id, None)
        self._wake.set()  # the next message of the conversation may wait for this

    async def _run(self, claim: Claim) -> None:
        try:
            await self._runs.run(claim, self._tasks[claim], self._records)
        except asyncio.CancelledError:
            record = self._records.get(claim.turn_id)
            if record is None or not record.is_lost:
                await self._leave(claim, counts=not self._stopping)
        except (SQLAlchemyError, OSError, TradepostError):
            _log.warning("%s is tried again in a moment", claim.turn_id, exc_info=True)
            await self._leave(claim, counts=True)

    async def _leave(self, claim: Claim, *, counts: bool) -> None:
        """Let whoever comes next go on with a turn."""
        try:
            if counts:
                await self._claims.give_back(claim, after=AGAIN, counts=True)
            else:
                await self._claims.give_back(claim)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("%s goes on when its lease ends: %s", claim.turn_id, error)

    async def _renew(self) -> None:
        claims = list(self._tasks)
        mine = await self._claims.renew(claims)
        for claim in claims:
            task, record = self._tasks.get(claim), self._records.get(claim.turn_id)
            if task is None or record is None or record.is_over:
                continue
            if claim.turn_id not in mine:
                record.is_lost = True
                task.cancel()
            elif mine[claim.turn_id] is not None and record.canceled_by is None:
                record.canceled_by = mine[claim.turn_id]
                task.cancel()
