"""The same tests at a hub of two processes: every other call, and every other look for what is due, is made in another
process, which has nothing in common with this one but the database. It is started once for all tests of a run."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tests.forking import context
from tests.hub.gateway.world import Facts, World, opened
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import TradepostError
from tradepost.protocol.builtin import Json

PATIENCE_SECONDS = 60


class Beside:
    """The other process, as this one sees it: one thing after the other."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._turn = asyncio.Lock()

    async def ask(self, facts: Facts, verb: str, *arguments: Any) -> Any:
        """What it makes of it. Raises the hub's own error as it was raised there."""
        async with self._turn:
            self._pipe.send((facts, verb, arguments))
            assert await asyncio.to_thread(self._pipe.poll, PATIENCE_SECONDS), f"{verb} had no answer"
            failed, said = self._pipe.recv()
        if failed is None:
            return said
        kind, members = failed
        error = kind.__new__(kind)
        error.__dict__.update(members)
        raise error


@contextmanager
def another() -> Iterator[Connection]:
    """The other process."""
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,))
    process.start()
    there.close()
    try:
        yield here
    finally:
        here.close()
        process.join(PATIENCE_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


class TwoProcesses(World):
    """A world in which calls and looks for what is due alternate between the processes."""

    beside: Beside
    turns = looks = elsewhere = 0

    async def call(self, name: str, caller: Caller | None = None, /, **arguments: Any) -> Json:
        self.turns += 1
        if self.turns % 2 or self.servers.remote is not None:
            return await super().call(name, caller, **arguments)
        self.elsewhere += 1
        found: Json = await self.beside.ask(self.facts, "call", name, caller, arguments)
        return found

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[AsyncSession]:
        """As in one process; the other one has heard of it afterwards, which takes it a moment on PostgreSQL."""
        async with super().changing() as session:
            yield session
        committed = await self.watch.version(self.workspace_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.beside.ask(self.facts, "version") < committed:
                pass

    async def run_due(self) -> int:
        """What is due, carried out by the process whose turn it is."""
        self.looks += 1
        if self.looks % 2 == 0 or self.servers.remote is not None:
            return await self.built.executor.run_due()
        self.elsewhere += 1
        return int(await self.beside.ask(self.facts, "run_due"))


class Alternating:
    """The executor of such a world."""

    def __init__(self, world: TwoProcesses) -> None:
        self._world = world

    async def run_due(self) -> int:
        return await self._world.run_due()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.built.executor, name)


@asynccontextmanager
async def opened_twice(facts: Facts, pipe: Connection) -> AsyncIterator[World]:
    """The world of some facts, in both processes."""
    world = TwoProcesses(facts)
    world.beside = Beside(pipe)
    world.executor = Alternating(world)  # type: ignore[assignment]
    await world.watch.start()
    try:
        yield world
    finally:
        await world.beside.ask(facts, "close")
        await world.close()
    assert world.elsewhere, "the other process had nothing to do: this is no test of two"


def _serve(pipe: Connection) -> None:
    asyncio.run(_answer(pipe))


async def _answer(pipe: Connection) -> None:
    while True:
        try:
            facts, verb, arguments = await asyncio.to_thread(pipe.recv)
        except EOFError:
            return
        async with opened(facts) as world:
            while verb != "close":
                pipe.send(await _said(world, verb, arguments))
                facts, verb, arguments = await asyncio.to_thread(pipe.recv)
        pipe.send((None, None))


async def _said(world: World, verb: str, arguments: tuple[Any, ...]) -> tuple[Any, Any]:
    try:
        if verb == "run_due":
            return None, await world.executor.run_due()
        if verb == "version":
            return None, await world.watch.version(world.workspace_id)
        name, caller, given = arguments
        return None, await world.call(name, caller, **given)
    except TradepostError as error:
        return (type(error), error.__dict__), None
    except Exception:  # noqa: BLE001 (whatever it is, the test shall read it)
        return (AssertionError, {"args": (traceback.format_exc(),)}), None
