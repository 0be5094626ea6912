"""Everything that is sealed, whatever it is: counted by key version, and sealed anew in small batches."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.errors import Unavailable
from tradepost.hub.vault.held_keys import HeldKeys
from tradepost.hub.vault.models import SEALED, Sealed

BATCH = 100  # rows in one transaction: others who write wait for some milliseconds


@dataclass(slots=True)
class Resealed:
    """What was done: rows by workspace, and those that could not be opened, as `table workspace id`."""

    rows: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


async def count_by_version(session: AsyncSession) -> Counter[int]:
    """How many values are sealed with each version, of the session's workspace or of all."""
    found: Counter[int] = Counter()
    for table in SEALED:
        for version, count in await session.execute(
            select(table.key_version, func.count()).group_by(table.key_version)
        ):
            found[version] += count
    return found


async def wait_for_writers(session: AsyncSession) -> None:
    """From here on until the session ends nothing sealed is written by others, and what they had begun to write is
    there. SQLite has one writer in any case."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(
            text("LOCK TABLE sealed_headers, sealed_values, assertion_keys, sealed_pieces IN SHARE MODE")
        )


async def reseal(database: Database, keys: HeldKeys, resealed: Resealed) -> int:
    """Seal with the version that seals now whatever is sealed with another one. Returns how many rows that were. What
    others change at the same moment is left to them, and a row that does not open is left as it is."""
    done = 0
    for table in SEALED:
        after = ("", "")
        while True:
            rows = await _batch(database, table, keys.sealing, after)
            if not rows:
                break
            done += await _reseal(database, keys, table, rows, resealed)
            after = rows[-1].workspace_id, rows[-1].id
    return done


async def _batch(database: Database, table: type[Sealed], sealing: int, after: tuple[str, str]) -> list[Sealed]:
    workspace_id, row_id = after
    later = or_(table.workspace_id > workspace_id, and_(table.workspace_id == workspace_id, table.id > row_id))
    wanted: Any = (
        select(table).where(table.key_version != sealing, later).order_by(table.workspace_id, table.id).limit(BATCH)
    )
    async with database.system(write=False) as session:
        return list(await session.scalars(wanted))


async def _reseal(
    database: Database, keys: HeldKeys, table: type[Sealed], rows: list[Sealed], resealed: Resealed
) -> int:
    anew: list[tuple[Sealed, int, str]] = []
    for row in rows:  # before the transaction, which others wait for
        try:
            anew.append((row, *keys.seal(row.place, keys.open(row.place, row.key_version, row.ciphertext))))
        except Unavailable:
            broken = f"{table.__tablename__} {row.workspace_id} {row.id}"
            if broken not in resealed.broken:
                resealed.broken.append(broken)
    done: Counter[str] = Counter()
    async with database.system(write=True) as session:
        for row, version, ciphertext in anew:
            changed = await session.execute(
                update(table)
                .where(table.workspace_id == row.workspace_id, table.id == row.id, table.version == row.version)
                .values(key_version=version, ciphertext=ciphertext, version=row.version + 1)
                .returning(table.id)
                .execution_options(synchronize_session=False)
            )
            done[row.workspace_id] += len(changed.all())
    resealed.rows += done
    return done.total()
