"""A serving process tells which keys it has, and learns which of them seals: what a rotation waits for.

It looks every two seconds. A version begins to seal only after every process has said that it has it: so nobody meets
anything that it cannot open.
"""

import asyncio
import contextlib
import logging
import os
import socket
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import SetupError
from tradepost.foundation.ids import new_id
from tradepost.hub.vault.held_keys import HeldKeys
from tradepost.hub.vault.key_state import GONE, state_in
from tradepost.hub.vault.models import INSTALLATION, VaultHolder

LOOK_SECONDS = 2.0
TOLD_EVERY = timedelta(seconds=10)  # also when there is nothing new

_log = logging.getLogger(__name__)


class Holding:
    """Of one process, from its start to its end."""

    def __init__(self, database: Database, keys: HeldKeys, now: Now = system_now) -> None:
        self._database = database
        self._keys = keys
        self._now = now
        self._id = new_id("vh")
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._told: tuple[list[int], int] | None = None
        self._due = now()
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Say that this process is there, and begin to look. Raises SetupError where another version seals by now, and
        this process does not have it."""
        await self.look()
        if not self._keys.is_current:
            await self.stop()
            raise SetupError(
                f"{self._keys.source.name} does not have the version of the vault's keys that seals now.",
                hint=f"{self._keys.source.restore}: a rotation came to its end at this moment.",
            )
        self._looking = asyncio.create_task(self._look_again(), name="keys of the vault")

    async def stop(self) -> None:
        """Say that it is gone."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking
            self._looking = None
        if self._told is None:
            return
        self._told = None
        try:
            async with self._database.system(write=True) as session:
                await session.execute(delete(VaultHolder).where(VaultHolder.id == self._id))
        except SQLAlchemyError as error:  # it will be seen to be gone
            _log.warning("the vault could not say good-bye: %s", type(error).__name__)

    async def look(self) -> None:
        """Learn what is new, and tell it, or that this process is still there when that is due."""
        self._keys.reload()
        async with self._database.system(write=False) as session:
            self._keys.learn(await state_in(session))
        has = (self._keys.numbers, self._keys.sealing)
        if has == self._told and self._now() < self._due:
            return
        await self._tell(*has)
        self._told, self._due = has, self._now() + TOLD_EVERY

    async def _tell(self, numbers: list[int], sealing: int) -> None:
        now = self._now()
        async with self._database.system(write=True) as session:
            mine = await session.scalar(select(VaultHolder).where(VaultHolder.id == self._id))
            if mine is None:
                await session.execute(delete(VaultHolder).where(VaultHolder.seen_at <= now - GONE * 2))
                mine = VaultHolder(workspace_id=INSTALLATION, id=self._id, name=self._name)
                session.add(mine)
            mine.numbers, mine.sealing, mine.seen_at = numbers, sealing, now

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except SQLAlchemyError as error:
                _log.warning("the vault cannot ask which key seals: %s", type(error).__name__)
