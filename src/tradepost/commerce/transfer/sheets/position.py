"""How far an import of a file has come: kept with every batch, in the batch's own transaction.

It stands among the store's operations, as every write that has a key: the key is the kind and the content of the file.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.store.models import Operation
from tradepost.commerce.transfer.sheets.outcome import Tally
from tradepost.foundation.clock import system_now

TOOL = "store import-csv"


@dataclass(frozen=True, slots=True)
class Position:
    """Where an import stands: the last row of its last finished batch, and what it has done so far."""

    row: int
    finished: bool
    tally: Tally


def operation_id(kind: str, digest: str) -> str:
    """The key of an import."""
    return f"csv_{kind}_{digest[:40]}"


async def load_position(session: AsyncSession, workspace_id: str, kind: str, digest: str) -> Position | None:
    """Where the import of this file stands; None where it was never begun."""
    found = await session.get(Operation, (workspace_id, operation_id(kind, digest)))
    if found is None:
        return None
    told: dict[str, Any] = found.result
    return Position(told["row"], told["finished"], Tally(told["new"], told["changed"], told["unchanged"]))


async def keep_position(session: AsyncSession, workspace_id: str, kind: str, digest: str, position: Position) -> None:
    """Write it down, in the transaction of the batch."""
    key = operation_id(kind, digest)
    found = await session.get(Operation, (workspace_id, key))
    if found is None:
        found = Operation(id=key, tool=TOOL, fingerprint=digest, result={})
        session.add(found)
    tally = position.tally
    found.result = {
        "row": position.row,
        "finished": position.finished,
        "new": tally.new,
        "changed": tally.changed,
        "unchanged": tally.unchanged,
    }
    found.done_at = system_now()
    await session.flush()
