"""Reads that sum up very many rows."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Room to group and sort in memory some 100,000 rows, where 4 MB would go by way of the disk; and what an index look-up
# costs where most pages are in memory, without which whole tables are read to find a few thousand rows.
_SETTINGS = text("SELECT set_config('work_mem', '32MB', true), set_config('random_page_cost', '1.1', true)")


async def prepare_summing(session: AsyncSession) -> None:
    """Let PostgreSQL plan the rest of this transaction for it; SQLite has nothing to prepare."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(_SETTINGS)
