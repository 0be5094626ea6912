"""The time by which actions expire and leases end: the database's own where several machines share one."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.clock import Now, system_now

_POSTGRES_NOW = text("SELECT clock_timestamp()")


class ActionClock:
    """PostgreSQL's clock, so that replicas whose clocks differ agree; on SQLite, where all processes share a machine,
    that machine's. A clock given by hand wins over both."""

    def __init__(self, now: Now | None = None) -> None:
        self._now = now

    async def now(self, session: AsyncSession) -> datetime:
        """The current time as this session's database has it."""
        if self._now is not None:
            return self._now()
        if session.get_bind().dialect.name == "postgresql":
            moment: datetime = (await session.execute(_POSTGRES_NOW)).scalar_one()
            return moment
        return system_now()
