"""What other processes do to the registry, on PostgreSQL: LISTEN brings each new version, a poll each second covers a
connection that broke unnoticed."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from tradepost.hub.access.changes import CHANNEL

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0

Keep = Callable[[str, int], None]
Poll = Callable[[], Awaitable[None]]


async def follow(url: URL, ready: asyncio.Event, keep: Keep, poll: Poll) -> None:
    """Tell `keep` of every version until canceled; `poll` looks at all of them. Sets `ready` once it listens, or when
    it cannot."""
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
                await connection.execute(f"LISTEN {CHANNEL}".encode())
                ready.set()
                while True:
                    await _listen_once(connection, keep)
                    await poll()
        except (psycopg.Error, SQLAlchemyError, OSError):
            logger.warning("the registry channel broke; it is opened again", exc_info=True)
            ready.set()
            await asyncio.sleep(POLL_SECONDS)
            with contextlib.suppress(psycopg.Error, SQLAlchemyError, OSError):
                await poll()


async def _listen_once(connection: psycopg.AsyncConnection[Any], keep: Keep) -> None:
    async for notice in connection.notifies(timeout=POLL_SECONDS):
        workspace_id, _, version = notice.payload.partition(" ")
        if version.isdigit():
            keep(workspace_id, int(version))
