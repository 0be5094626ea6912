"""The relay: plans effects from the outbox and has them done, with retries, one after the other per record.

A crash between doing and recording repeats the attempt under the same key, which the other side answers as the first
time. Several processes may relay over one store: rows are claimed by a lease.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import aliased

from tradepost.commerce.effects.models import Effect
from tradepost.commerce.inventory.models import Reservation
from tradepost.commerce.inventory.reservations import expire_due
from tradepost.commerce.outbound.plan import effects_of
from tradepost.commerce.outbound.ports import PORT_OF, Outcome, Port, Refused, Unreachable
from tradepost.commerce.outbound.recording import fresh_facts, record_done, record_failed
from tradepost.commerce.store.models import StoreEvent, StoreSettings
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.touched import telling
from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.ids import new_id
from tradepost.foundation.rounds import Rounds

EVENTS_AT_ONCE = 100
EFFECTS_AT_ONCE = 8
PAUSE_SECONDS = 0.5
SWEEP_SECONDS = 15.0
LEASE = timedelta(seconds=120)  # longer than any attempt takes
RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600, 10_800, 21_600, 43_200))
ERROR_CAP = 500

_log = logging.getLogger(__name__)


class Relay:
    """Relays in the background between `start` and `stop`; `settle` does all that is due now."""

    def __init__(self, database: Database, ports: Mapping[str, Port], now: Now = system_now) -> None:
        self._database = database
        self._ports = ports
        self._now = now
        self._stuck: set[str] = set()
        self._settling = Rounds("outbox relay", self._round, PAUSE_SECONDS)
        self._sweeping = Rounds("reservation sweeper", self._sweep, SWEEP_SECONDS)

    async def start(self) -> None:
        """Begin."""
        self._settling.start()
        self._sweeping.start()

    async def stop(self) -> None:
        """End after the attempts under way, and let go of the ports."""
        await self._settling.stop()
        await self._sweeping.stop()
        for port in self._ports.values():
            await port.close()

    async def settle(self) -> int:
        """Plan and do everything that is due. Returns how many effects were attempted."""
        attempted = 0
        while not self._settling.is_stopping:
            planned = await self.plan()
            done = await self.send_due()
            attempted += done
            if not planned and not done:
                break
        return attempted

    async def plan(self) -> int:
        """Turn events nobody has looked at into effects. Returns how many events were looked at."""
        async with self._database.system(write=False, quick=True) as session:
            if not await _ANY_WAITING.rows(session, {}):
                return 0
        async with self._database.system(write=False) as session:
            found = (await session.execute(_WAITING, {"stuck": sorted(self._stuck)})).all()
        for workspace_id, event_id in found:
            try:
                await self._plan_one(workspace_id, event_id)
            except (SQLAlchemyError, OSError):
                raise  # the database, not the event: it is looked at again
            except Exception:  # noqa: BLE001 (one event must not hold up all that come after it)
                _log.exception("the effects of the event %s cannot be planned; it waits for a restart", event_id)
                self._stuck.add(event_id)
        return len(found)

    async def send_due(self) -> int:
        """Attempt the effects that are due. Returns how many."""
        claimed = await self._claim()
        ended = await asyncio.gather(*(self._attempt(effect) for effect in claimed), return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, BaseException):
                raise outcome  # the lease of the effect ends, and it is attempted again
        return len(claimed)

    async def free_reservations(self) -> int:
        """Put reservations whose time is over back on sale. Returns how many ended."""
        due = select(Reservation.workspace_id).where(Reservation.status == "held", Reservation.expires_at.is_not(None))
        async with self._database.system(write=False) as session:
            workspaces = list(await session.scalars(due.distinct()))
        ended = 0
        for workspace_id in workspaces:
            async with self._store(workspace_id) as store:
                ended += await expire_due(store)
        return ended

    # ---

    async def _round(self) -> None:
        try:
            await self.settle()
        except (TradepostError, SQLAlchemyError, OSError) as error:
            _log.warning("effects wait: %s", error)

    async def _sweep(self) -> None:
        try:
            await self.free_reservations()
        except (TradepostError, SQLAlchemyError, OSError) as error:
            _log.warning("reservations whose time is over wait: %s", error)

    @asynccontextmanager
    async def _store(self, workspace_id: str, *, write: bool = True) -> AsyncIterator[Store]:
        """A unit of work of the relay itself; one that writes commits at the end."""
        caller = Caller(workspace_id, Principal("system", "relay"), new_id("req"))
        async with self._database.transaction(workspace_id, write=write) as session:
            row = (await session.execute(select(StoreSettings.currency, StoreSettings.fixed_now))).first()
            now = row.fixed_now if row is not None and row.fixed_now is not None else self._now()
            store = Store(session, caller, now, row.currency if row is not None else "EUR")
            if not write:
                yield store
                return
            async with telling(store):
                yield store

    async def _plan_one(self, workspace_id: str, event_id: str) -> None:
        async with self._store(workspace_id) as store:
            mine = select(StoreEvent).where(StoreEvent.id == event_id, StoreEvent.relayed_at.is_(None))
            event = (await store.session.scalars(mine.with_for_update(skip_locked=True))).one_or_none()
            if event is None:
                return  # another process was quicker
            for planned in await effects_of(store, event):
                store.add(
                    Effect(
                        id=new_id(Effect.prefix),
                        event_id=event.id,
                        event_type=event.type,
                        kind=planned.kind,
                        subject=event.subject,
                        order_id=planned.order_id,
                        request=planned.request,
                        status="pending",
                        due_at=self._now(),
                    )
                )
            event.relayed_at = self._now()

    async def _claim(self) -> list[Effect]:
        now = self._now()
        async with self._database.system(write=False, quick=True) as session:
            if not await _ANY_DUE.rows(session, {"now": now}):
                return []
        async with self._database.system(write=True) as session:
            effects = list(await session.scalars(_TO_CLAIM, {"now": now}))
            for effect in effects:
                effect.status, effect.claimed_until, effect.attempts = "sending", now + LEASE, effect.attempts + 1
        return effects

    async def _attempt(self, claimed: Effect) -> None:
        port = self._ports[PORT_OF[claimed.kind]]
        async with self._store(claimed.workspace_id, write=False) as store:
            request = {**claimed.request, **await fresh_facts(store, claimed)}
        outcome: Outcome | None = None
        error, final = "", False
        try:
            outcome = await port.send(claimed.kind, claimed.id, request)
        except Refused as refused:
            error, final = str(refused), True
        except (Unreachable, OSError) as unreachable:
            error = str(unreachable)
        except Exception as odd:  # noqa: BLE001 (an address no mail can bear: a person must look, the rest goes on)
            _log.exception("the effect %s cannot be attempted", claimed.id)
            error, final = f"{type(odd).__name__}: {odd}", True
        async with self._store(claimed.workspace_id) as store:
            effect = await store.lock(Effect, claimed.id)
            if effect.status != "sending" or effect.attempts != claimed.attempts:
                return  # the lease ran out and somebody else took it up
            await self._record(store, effect, outcome, error[:ERROR_CAP], final)

    async def _record(self, store: Store, effect: Effect, outcome: Outcome | None, error: str, final: bool) -> None:
        now = self._now()
        effect.claimed_until = None
        if outcome is not None:
            effect.status, effect.reference, effect.error, effect.finished_at = "sent", outcome.reference, None, now
            await record_done(store, effect, outcome)
            return
        effect.error = error
        if final or effect.attempts > len(RETRY_AFTER):
            effect.status, effect.finished_at = "failed", now
            await record_failed(store, effect)
        else:
            effect.status, effect.due_at = "pending", now + RETRY_AFTER[effect.attempts - 1]


def _is_due() -> ColumnElement[bool]:
    """At the parameter `now`."""
    return or_(
        and_(Effect.status == "pending", Effect.due_at <= bindparam("now")),
        and_(Effect.status == "sending", Effect.claimed_until < bindparam("now")),
    )


def _has_elder() -> ColumnElement[bool]:
    """An older effect on the same record that is not settled: a capture does not overtake its authorization."""
    elder = aliased(Effect)
    return exists(
        select(elder.id).where(
            elder.workspace_id == Effect.workspace_id,
            elder.subject == Effect.subject,
            elder.status.in_(("pending", "sending")),
            elder.id != Effect.id,
            elder.created_at < Effect.created_at,
        )
    )


# Whether there is anything is asked twice a second for as long as the hub runs: made once, and found in an index.
_ANY_WAITING = Lookup(select(StoreEvent.id).where(StoreEvent.relayed_at.is_(None)).limit(1))
_WAITING = (
    select(StoreEvent.workspace_id, StoreEvent.id)
    .where(StoreEvent.relayed_at.is_(None), StoreEvent.id.not_in(bindparam("stuck", expanding=True)))
    .order_by(StoreEvent.sequence)
    .limit(EVENTS_AT_ONCE)
)
_ANY_DUE = Lookup(select(Effect.id).where(_is_due()).limit(1))  # as a rule there is none: elders can wait
_TO_CLAIM = (
    select(Effect)
    .where(_is_due(), ~_has_elder())
    .order_by(Effect.due_at, Effect.id)
    .limit(EFFECTS_AT_ONCE)
    .with_for_update(skip_locked=True)
)
