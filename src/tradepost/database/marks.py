"""How far the databases had come, written down outside of them: one that was restored from a backup has fallen back.

The number of the newest event of each outbox only ever rises. A file on this machine keeps it; a database whose own is
lower, and which is still the same one, has lost what it knew.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import func, select

from tradepost.database.engine import Database
from tradepost.database.outbox import OutboxRow

Inside = Callable[[], Awaitable[Collection[str]]]  # what is in the databases, and in no others


class Marks:
    """The file at `path`, about these outboxes. `inside` are ids of what is in the databases: of those that have
    nothing of it, the file says nothing."""

    def __init__(self, path: Path, outboxes: Mapping[str, tuple[Database, type[OutboxRow]]], inside: Inside) -> None:
        self._path = path
        self._outboxes = outboxes
        self._inside = inside

    async def fallen_back(self) -> list[str]:
        """The names of the outboxes that are not as far as they were."""
        kept = await asyncio.to_thread(self._read)
        if not kept or set(kept.get("inside", ())).isdisjoint(await self._inside()):
            return []
        now = await self._numbers()
        return [name for name, number in now.items() if number < kept["numbers"].get(name, 0)]

    async def keep(self) -> None:
        """Write down how far they are."""
        inside = sorted(await self._inside())
        await asyncio.to_thread(self._write, {"inside": inside, "numbers": await self._numbers()})

    async def _numbers(self) -> dict[str, int]:
        return {name: await _newest(*outbox) for name, outbox in self._outboxes.items()}

    def _read(self) -> dict[str, Any]:
        try:
            found = orjson.loads(self._path.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):  # half a file says as little as none
            return {}
        return found if isinstance(found, dict) and isinstance(found.get("numbers"), dict) else {}

    def _write(self, known: Mapping[str, Any]) -> None:
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        beside.write_bytes(orjson.dumps(known))
        beside.replace(self._path)


async def _newest(database: Database, model: type[OutboxRow]) -> int:
    async with database.system(write=False) as session:
        return await session.scalar(select(func.max(model.sequence))) or 0
