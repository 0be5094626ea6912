"""Joining the parts of conversations, for the application and for commands that need no more than some of them."""

import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tradepost.agents.conversations.asking import Asking, Stirred
from tradepost.agents.conversations.claims import Claims
from tradepost.agents.conversations.customer_stream import CustomerStreams
from tradepost.agents.conversations.customers import Customers
from tradepost.agents.conversations.elsewhere import Hearing, Telling
from tradepost.agents.conversations.following import Following
from tradepost.agents.conversations.forgetting import Forgetting
from tradepost.agents.conversations.handovers import Handovers
from tradepost.agents.conversations.judging import Judging
from tradepost.agents.conversations.looking import Looking
from tradepost.agents.conversations.metrics import Metrics
from tradepost.agents.conversations.ports import Cleaning, Hub
from tradepost.agents.conversations.running import Runs
from tradepost.agents.conversations.watching import Watchers
from tradepost.agents.conversations.worker import Worker
from tradepost.agents.ports import Callers, Runtime, ToolDoor
from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.ids import new_id
from tradepost.protocol.updates import Updates


@dataclass(frozen=True, slots=True)
class Desk:
    """What people and programs do with conversations; needs no process that serves."""

    asking: Asking
    looking: Looking
    judging: Judging
    forgetting: Forgetting
    metrics: Metrics
    handovers: Handovers
    customers: Customers


@dataclass(frozen=True, slots=True)
class Agents:
    """What runs turns, who agents are when they call tools, and how to let go of what models hold."""

    runtime: Runtime
    callers: Callers
    close: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Conversations:
    """The same, with what runs the turns and lets clients watch, from `start` to `stop`."""

    desk: Desk
    following: Following
    for_customers: CustomerStreams
    worker: Worker
    watchers: Watchers
    telling: Telling
    hearing: Hearing
    agents: Agents

    async def start(self) -> None:
        """Begin to answer."""
        await self.worker.start()
        await self.desk.forgetting.start()

    def end_streams(self) -> None:
        """Let go of clients that watch."""
        self.watchers.end()

    async def stop(self) -> None:
        """Leave what is under way to whoever comes next."""
        self.watchers.end()
        await self.desk.forgetting.stop()
        await self.worker.stop()
        await self.telling.stop()
        await self.hearing.stop()
        if self.agents.close is not None:
            await self.agents.close()


def build_desk(
    database: Database, hub: Hub, cleaning: Cleaning, stirred: Stirred | None = None, now: Now = system_now
) -> Desk:
    """What needs no process that serves."""
    stirred = stirred or Stirred()
    asking, looking, judging = (
        Asking(database, hub, cleaning, stirred, now),
        Looking(database, hub),
        Judging(database, hub),
    )
    return Desk(
        asking,
        looking,
        judging,
        Forgetting(database, hub, cleaning, now),
        Metrics(database),
        Handovers(database, hub, stirred, now),
        Customers(database, hub, asking, looking, judging, stirred, now),
    )


def build_conversations(
    database: Database,
    hub: Hub,
    cleaning: Cleaning,
    *,
    agents: Agents,
    door: ToolDoor,
    updates: Updates,
    now: Now = system_now,
) -> Conversations:
    """Everything, for the process that serves."""
    watchers, stirred = Watchers(), Stirred()
    claims = Claims(database, f"{socket.gethostname()}:{os.getpid()}:{new_id('own')}", now)
    telling, hearing = Telling(database, claims.owner, now), Hearing(database, watchers, updates, claims.owner, now)
    runs = Runs(database, hub, agents.runtime, agents.callers, door, cleaning, claims, watchers, telling, now)
    worker = Worker(database, hub, claims, runs, now)
    stirred.work, stirred.canceled = worker.wake, worker.canceled
    desk = build_desk(database, hub, cleaning, stirred, now)
    following = Following(database, hearing, hub.confirm)
    for_customers = CustomerStreams(desk.customers, hub, hearing)
    return Conversations(desk, following, for_customers, worker, watchers, telling, hearing, agents)
