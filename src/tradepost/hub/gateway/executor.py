"""Carrying approved actions out: claim with a lease, go through the steps with the stored arguments, record.

Only a serving process runs this. Any number of them may; the lease decides. An action whose process died is claimed
again when its lease ends: a bundled server is called again with the same key and answers what it did the first time,
any other server is not called twice and the outcome is unknown.
"""

import asyncio
import logging

import orjson
from sqlalchemy.exc import SQLAlchemyError

from tradepost.foundation.errors import TradepostError
from tradepost.foundation.rounds import Rounds
from tradepost.hub.actions.caller_record import TAKES_TASKS, from_action
from tradepost.hub.actions.expiry import expire_due, retire_keys
from tradepost.hub.actions.lease import Claim
from tradepost.hub.actions.models import Action
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.pipeline import Pipeline
from tradepost.hub.policy.totals import forget_old
from tradepost.protocol.hosting import NO_EXTRAS, CallExtras
from tradepost.protocol.tasks import REQUIRED

POLL_SECONDS = 0.5
SWEEP_SECONDS = 15.0
AT_ONCE = 16
GRACE_SECONDS = 30.0

SENT = "an argument"  # which one is in the reason for asking
_WITH_TASKS = CallExtras(client_capabilities=REQUIRED, rounds=True)  # what a client that took a task is ready for

_log = logging.getLogger(__name__)


class Executor:
    """The serving process's hands. `wake` is set when something was approved here."""

    def __init__(self, pipeline: Pipeline, at_once: int = AT_ONCE, wake: asyncio.Event | None = None) -> None:
        self._pipeline = pipeline
        self._parts = pipeline.parts
        self._at_once = at_once
        self._wake = wake or asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._claiming: asyncio.Task[None] | None = None
        self._sweeping = Rounds("action sweeper", self._sweep_once, SWEEP_SECONDS)

    async def start(self) -> None:
        """Look for work from now on."""
        if self._claiming is None:
            self._claiming = asyncio.create_task(self._claim_forever(), name="action executor")
            self._sweeping.start()

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Claim nothing more and let what is under way come to its end. What does not is settled by the next sweep."""
        if self._claiming is not None:
            self._claiming.cancel()
            await asyncio.gather(self._claiming, return_exceptions=True)
            self._claiming = None
        await self._sweeping.stop()
        await self._pipeline.drain(grace_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """Look for approved actions now instead of at the next poll."""
        self._wake.set()

    async def run_due(self) -> int:
        """Claim what is due and carry it out. Returns how many actions that were."""
        claimed = await self._parts.leases.claim_due(self._at_once - len(self._tasks))
        tasks = [self._begin(claim, action) for claim, action in claimed]
        await asyncio.gather(*tasks)
        return len(tasks)

    async def sweep(self) -> None:
        """Expire what nobody answered in time; free the keys of old outcomes; delete totals of days that are over."""
        await expire_due(self._parts.database, self._parts.audit, self._parts.clock)
        await retire_keys(self._parts.database, self._parts.clock)
        await forget_old(self._parts.database, self._parts.now())

    def _begin(self, claim: Claim, action: Action) -> asyncio.Task[None]:
        self._parts.checkpoint("claimed")
        task = asyncio.create_task(self._carry_out(claim, action), name=f"action {action.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _carry_out(self, claim: Claim, action: Action) -> None:
        call = Call(
            caller=from_action(action),
            kind="tool",
            name=action.exposed_name,
            arguments=orjson.loads(action.arguments),
            extras=_WITH_TASKS if action.caller.get(TAKES_TASKS) else NO_EXTRAS,
            run_id=action.run_id,
            sends=SENT if action.tool_class == "read" else None,
            key=action.key,
            arguments_digest=action.fingerprint,
            action=action,
            claim=claim,
        )
        try:
            await self._pipeline.carry_out(call)
        except (SQLAlchemyError, OSError, TradepostError):
            _log.warning("%s is not settled; it is tried again when its lease ends", action.id, exc_info=True)

    async def _claim_forever(self) -> None:
        while True:
            try:
                free = self._at_once - len(self._tasks)
                if free > 0:
                    for claim, action in await self._parts.leases.claim_due(free):
                        self._begin(claim, action)
            except (SQLAlchemyError, OSError) as error:
                _log.warning("approved actions wait: %s", error)
            try:
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
            except TimeoutError:
                continue
            self._wake.clear()

    async def _sweep_once(self) -> None:
        try:
            await self.sweep()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("nothing was swept: %s", error)
