"""The courier of the serving process: plans notices from the outbox and sends what is due, with retries.

Planning takes an event once, in the transaction that marks it. Sending claims a notice with a lease, and the number of
the attempt is the fence: who was too slow records nothing. A process that dies between sending and recording leads to a
second message with the same id, by which receivers know it; nothing is lost.
"""

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import and_, bindparam, delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.rounds import Rounds
from tradepost.hub.events.models import HubEvent
from tradepost.hub.notices.attempting import Attempting
from tradepost.hub.notices.contents import TYPE_OF
from tradepost.hub.notices.failures import NotSent
from tradepost.hub.notices.models import ApprovalLink, Notice
from tradepost.hub.notices.planning import plan

EVENTS_AT_ONCE = 100
AT_ONCE = 8
PAUSE_SECONDS = 0.5
TIDY_SECONDS = 3_600.0
LEASE = timedelta(seconds=90)  # longer than any attempt takes
RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200))
KEPT = timedelta(days=30)

_log = logging.getLogger(__name__)


class Courier:
    """Works in the background between `start` and `stop`; `settle` does all that is due now."""

    def __init__(self, database: Database, attempting: Attempting, url: str, now: Now = system_now) -> None:
        self._database = database
        self._attempting = attempting
        self._url = url
        self._now = now
        self._stuck: set[str] = set()
        self._settling = Rounds("courier", self._round, PAUSE_SECONDS)
        self._tidying = Rounds("courier's tidying", self.tidy, TIDY_SECONDS)

    async def start(self) -> None:
        """Begin."""
        self._settling.start()
        self._tidying.start()

    async def stop(self) -> None:
        """End after the attempts under way."""
        await self._settling.stop()
        await self._tidying.stop()
        await self._attempting.close()

    async def settle(self) -> int:
        """Plan and send everything that is due. Returns how many attempts that were."""
        attempts = 0
        while not self._settling.is_stopping:
            planned = await self.plan()
            sent = await self.send_due()
            attempts += sent
            if not planned and not sent:
                break
        return attempts

    async def plan(self) -> int:
        """Look at events nobody has looked at. Returns how many."""
        async with self._database.system(write=False, quick=True) as session:
            if not await _ANY_NEW.rows(session, {}):
                return 0
        async with self._database.system(write=False) as session:
            found = (await session.execute(_NEW, {"stuck": sorted(self._stuck)})).all()
        quiet = [event_id for _, event_id, type_ in found if type_ not in TYPE_OF]
        if quiet:
            async with self._database.system(write=True) as session:
                marked = update(HubEvent).where(HubEvent.id.in_(quiet)).values(relayed_at=self._now())
                await session.execute(marked.execution_options(synchronize_session=False))
        for workspace_id, event_id, type_ in found:
            if type_ not in TYPE_OF:
                continue
            try:
                await self._plan_one(workspace_id, event_id)
            except (SQLAlchemyError, OSError):
                raise  # the database, not the event: it is looked at again
            except Exception:  # noqa: BLE001 (one event must not hold up all that come after it)
                _log.exception("nobody can be told of the event %s; it waits for a restart", event_id)
                self._stuck.add(event_id)
        return len(found)

    async def send_due(self) -> int:
        """Attempt what is due. Returns how many."""
        claimed = await self._claim()
        ended = await asyncio.gather(*(self._attempt(notice) for notice in claimed), return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, BaseException):
                raise outcome  # the lease ends, and it is attempted again
        return len(claimed)

    async def tidy(self) -> None:
        """Forget what was told long ago."""
        old = self._now() - KEPT
        async with self._database.system(write=True) as session:
            await session.execute(delete(Notice).where(Notice.finished_at < old))
            await session.execute(delete(ApprovalLink).where(ApprovalLink.expires_at < old))

    async def _round(self) -> None:
        try:
            await self.settle()
        except (TradepostError, SQLAlchemyError, OSError) as error:
            _log.warning("messages wait: %s", error)

    async def _plan_one(self, workspace_id: str, event_id: str) -> None:
        async with self._database.transaction(workspace_id, write=True) as session:
            mine = select(HubEvent).where(HubEvent.id == event_id, HubEvent.relayed_at.is_(None))
            event = (await session.scalars(mine.with_for_update(skip_locked=True))).one_or_none()
            if event is None:
                return  # another process was quicker
            await plan(session, event, self._url, self._now(), mails=self._attempting.mails)
            event.relayed_at = self._now()

    async def _claim(self) -> list[Notice]:
        now = self._now()
        async with self._database.system(write=False, quick=True) as session:
            if not await _ANY_DUE.rows(session, {"now": now}):
                return []
        async with self._database.system(write=True) as session:
            notices = list(await session.scalars(_TO_CLAIM, {"now": now}))
            for notice in notices:
                notice.state, notice.claimed_until, notice.attempts = "sending", now + LEASE, notice.attempts + 1
        return notices

    async def _attempt(self, notice: Notice) -> None:
        failed: NotSent | None = None
        sent = False
        try:
            sent = await self._attempting.send(notice)
        except NotSent as error:
            failed = error
        except TradepostError as error:  # the vault cannot open it now
            failed = NotSent(error.message)
        except Exception as odd:  # noqa: BLE001 (a person must look, the rest goes on)
            _log.exception("the message %s cannot be sent", notice.id)
            failed = NotSent(f"It cannot be written: {type(odd).__name__}.", final=True)
        await self._record(notice, sent, failed)

    async def _record(self, claimed: Notice, sent: bool, failed: NotSent | None) -> None:
        now = self._now()
        async with self._database.transaction(claimed.workspace_id, write=True) as session:
            mine = select(Notice).where(
                Notice.id == claimed.id, Notice.state == "sending", Notice.attempts == claimed.attempts
            )
            notice = (await session.scalars(mine.with_for_update())).one_or_none()
            if notice is None:
                return  # the lease ran out and somebody else took it up
            notice.claimed_until, notice.error = None, str(failed) if failed is not None else None
            if failed is None:
                notice.state, notice.finished_at = "sent" if sent else "dropped", now
            elif failed.final or failed.gone or notice.attempts > len(RETRY_AFTER):
                notice.state, notice.finished_at = "failed", now
            else:
                notice.state, notice.due_at = "pending", now + RETRY_AFTER[notice.attempts - 1]
            if sent or failed is not None:
                await self._attempting.note(session, notice, failed, now)


_due = or_(
    and_(Notice.state == "pending", Notice.due_at <= bindparam("now")),
    and_(Notice.state == "sending", Notice.claimed_until < bindparam("now")),
)
# Asked twice a second for as long as the hub runs: made once, and found in an index.
_ANY_NEW = Lookup(select(HubEvent.id).where(HubEvent.relayed_at.is_(None)).limit(1))
_NEW = (
    select(HubEvent.workspace_id, HubEvent.id, HubEvent.type)
    .where(HubEvent.relayed_at.is_(None), HubEvent.id.not_in(bindparam("stuck", expanding=True)))
    .order_by(HubEvent.sequence)
    .limit(EVENTS_AT_ONCE)
)
_ANY_DUE = Lookup(select(Notice.id).where(_due).limit(1))
_TO_CLAIM = (
    select(Notice).where(_due).order_by(Notice.due_at, Notice.id).limit(AT_ONCE).with_for_update(skip_locked=True)
)
