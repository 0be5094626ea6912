"""Reads that look up a few rows by key, in place: without a change of threads, and without making anything for it.

A session, its connection from the pool and the beginning and end of its transaction cost several times what such a
look-up does. So readers are kept whole, each a connection of its own with a session on it, and lent to one block at a
time; a block that only looked up leaves nothing behind but an open transaction. Whoever asks the session for more joins
that transaction, and the session is emptied afterwards.
"""

import sqlite3
from types import TracebackType
from typing import Any

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tradepost.database.scoping import DRIVER, INLINE, POOLED, ScopedSession


class _Reader:
    """A connection and the session on it."""

    __slots__ = ("driver", "info", "pooled", "session")

    def __init__(self, engine: AsyncEngine, pooled: PoolProxiedConnection) -> None:
        self.pooled = pooled
        self.driver: Any = pooled.driver_connection
        self.info: dict[str, Any] = {INLINE: True, DRIVER: self.driver, POOLED: pooled}
        self.session = AsyncSession(engine, sync_session_class=ScopedSession, expire_on_commit=False, info=self.info)

    def end(self) -> None:
        """Leave the transaction, and forget whatever the block had of it."""
        session = self.session.sync_session
        if session.in_transaction() or session.identity_map or session.new:
            session.close()  # here nothing ever has to be waited for
        self.driver.rollback()
        session.info.clear()
        session.info.update(self.info)

    def close(self) -> None:
        self.session.sync_session.close()
        self.pooled.close()  # rolls back


class QuickReads:
    """Readers of one database; at most so many are kept while nobody reads."""

    def __init__(self, engine: AsyncEngine, most_kept: int) -> None:
        self._engine = engine
        self._most_kept = most_kept
        self._kept: list[_Reader] = []

    def block(self, workspace_id: str) -> "_Block":
        """`async with` it for a session bound to a workspace."""
        return _Block(self, workspace_id)

    async def take(self) -> _Reader:
        """A reader for one block alone."""
        return self._kept.pop() if self._kept else _Reader(self._engine, await self._engine.raw_connection())

    def give_back(self, reader: _Reader) -> None:
        """Keep a reader whose block is over. One that something is wrong with is not kept."""
        if len(self._kept) >= self._most_kept:
            reader.close()
            return
        try:
            reader.end()
        except BaseException:
            reader.close()
            raise
        self._kept.append(reader)

    def close(self) -> None:
        """Let go of the connections that are kept, and keep none from now on."""
        self._most_kept = 0
        while self._kept:
            self._kept.pop().close()


class _Block:
    """One read."""

    __slots__ = ("_reader", "_reads", "_workspace_id")

    def __init__(self, reads: QuickReads, workspace_id: str) -> None:
        self._reads = reads
        self._workspace_id = workspace_id

    async def __aenter__(self) -> AsyncSession:
        try:
            reader = self._reader = await self._reads.take()
            try:
                reader.session.info["workspace_id"] = self._workspace_id
                reader.driver.execute("BEGIN")
            except BaseException:
                reader.close()
                raise
        except sqlite3.Error as error:
            raise _in_the_engines_words(error) from error
        return reader.session

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if error is None or not isinstance(error, sqlite3.Error):
                self._reads.give_back(self._reader)
                return
            self._reader.close()
        except sqlite3.Error as broken:
            raise _in_the_engines_words(broken) from broken
        raise _in_the_engines_words(error) from error


def _in_the_engines_words(error: sqlite3.Error) -> OperationalError:
    """The driver's own error, which nobody has turned into the engine's on the way."""
    return OperationalError(None, None, error)
