"""Joining the gateway from the parts that the application built."""

import asyncio
import os
import socket
from dataclasses import dataclass

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.ids import new_id
from tradepost.foundation.rotating import Rotating
from tradepost.hub.access.changes import Versions
from tradepost.hub.actions.answering import Freshness
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.lease import Leases
from tradepost.hub.actions.verdicts import Verdicts
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.gateway.assertions import Assertions
from tradepost.hub.gateway.checkpoints import Checkpoint, pass_by
from tradepost.hub.gateway.door import Door
from tradepost.hub.gateway.executor import Executor
from tradepost.hub.gateway.holds import Holds
from tradepost.hub.gateway.hosted import Authenticates, Gateway
from tradepost.hub.gateway.parts import WAIT_SECONDS, CatalogSource, Contradicted, Dispatcher, Parts, to_nobody
from tradepost.hub.gateway.people_door import PeopleDoor
from tradepost.hub.gateway.pipeline import Pipeline
from tradepost.hub.gateway.rests import Rests
from tradepost.hub.gateway.rounds import RoundSeal
from tradepost.hub.gateway.schema_checks import SchemaChecks
from tradepost.hub.gateway.standing import Standings
from tradepost.hub.gateway.task_seal import TaskSeal
from tradepost.hub.gateway.undoing import Undoing
from tradepost.hub.limits.attempts import Attempts
from tradepost.hub.limits.in_flight import WHOLE, InFlight, Part
from tradepost.hub.limits.leased import LeasedSlots
from tradepost.hub.limits.pace import Pace
from tradepost.hub.limits.shares import Shares
from tradepost.hub.telemetry.meters import Meters
from tradepost.hub.telemetry.ports import Traces
from tradepost.hub.trust.ledger import TaintLedger
from tradepost.hub.trust.signals import SignalLedger
from tradepost.hub.trust.signals import to_nobody as counting_nothing
from tradepost.hub.upstreams.opening import Opening


@dataclass(frozen=True, slots=True)
class BuiltGateway:
    """The gateway and what belongs to it. Only a serving process starts the executor; everybody may use the rest."""

    gateway: Gateway
    door: Door
    people: PeopleDoor
    executor: Executor
    verdicts: Verdicts
    pipeline: Pipeline
    undoing: Undoing
    leased: LeasedSlots

    async def start(self) -> None:
        """Begin to carry approved actions out."""
        await self.executor.start()

    def divide(self, part: Part) -> None:
        """This process has another part of what may run at once from now on."""
        for lines in (self.pipeline.parts.principals, self.pipeline.parts.servers):
            lines.divide(part)

    async def stop(self) -> None:
        """Finish what is under way; what waits for answers is let go."""
        await self.pipeline.parts.holds.stop()
        await self.executor.stop()
        await self.pipeline.parts.taints.stop()
        await self.pipeline.parts.signals.stop()
        await self.pipeline.parts.schemas.close()
        await self.pipeline.parts.pace.shares.stop()
        await self.leased.stop()


def build_gateway(
    database: Database,
    *,
    catalogs: CatalogSource,
    upstreams: Dispatcher,
    authenticator: Authenticates,
    versions: Versions,
    audit: AuditWriter,
    clock: ActionClock | None = None,
    leases: Leases | None = None,
    checkpoint: Checkpoint = pass_by,
    wait_seconds: float = WAIT_SECONDS,
    secrets: Rotating | None = None,
    holds: Holds | None = None,
    opening: Opening | None = None,
    assertions: Assertions | None = None,
    pace: Pace | None = None,
    contradicted: Contradicted = to_nobody,
    part: Part = WHOLE,
    fresh: Freshness | None = None,
    now: Now = system_now,
    meters: Meters | None = None,
    tracing: Traces | None = None,
    rests: Rests | None = None,
) -> BuiltGateway:
    """The gateway over these parts. `upstreams` must know the hub's own server (HubServer) under its key "hub";
    `wait_seconds` is how long a repeated call waits for the first one; `secrets` seal what clients carry
    between two calls, the same in every process over these databases. Without, they are this process's own. `opening`
    connects to the servers of those who list their tools, `assertions` sign who calls for servers that want that.
    `pace` counts calls against limits, `contradicted` hears of answers that are not what was approved. `part` is what
    this process begins with of what may run at once, `fresh` says when those who approve have to prove who they are.
    `now` is the time by which rules hold. `meters` count calls, `tracing` makes spans of them. `rests` keep what is
    left of long results; without, none is shortened."""
    clock, seal, holds = clock or ActionClock(), RoundSeal(secrets), Holds() if holds is None else holds
    approved = asyncio.Event()  # here: other processes look for themselves
    leased = LeasedSlots(database)
    owner = f"{socket.gethostname()}:{os.getpid()}:{new_id('run')}:{holds.process}"
    parts = Parts(
        database=database,
        catalogs=catalogs,
        upstreams=upstreams,
        audit=audit,
        leases=leases or Leases(database, owner, clock),
        clock=clock,
        standings=Standings(database, versions),
        principals=InFlight("principal", part=part, leased=leased),
        servers=InFlight("server", part=part, leased=leased),
        pace=Pace(Shares(database)) if pace is None else pace,
        attempts=Attempts(),
        rounds=seal,
        tasks=TaskSeal(seal),
        holds=holds,
        schemas=SchemaChecks(),
        verdicts=Verdicts(database, audit, clock, fresh, approved.set),
        taints=TaintLedger(database, now),
        signals=SignalLedger(database, now, counting_nothing if meters is None else meters.looked),
        rests=rests,
        assertions=assertions,
        contradicted=contradicted,
        meters=meters,
        tracing=tracing,
        checkpoint=checkpoint,
        wait_seconds=wait_seconds,
        now=now,
    )
    pipeline = Pipeline(parts)
    door = Door(pipeline)
    return BuiltGateway(
        gateway=Gateway(pipeline, authenticator, opening),
        door=door,
        people=PeopleDoor(door),
        executor=Executor(pipeline, wake=approved),
        verdicts=parts.verdicts,
        pipeline=pipeline,
        undoing=Undoing(pipeline),
        leased=leased,
    )
