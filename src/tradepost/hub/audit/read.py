"""Looking at the audit log: the newest rows, the rows since a point, everything as lines of a file."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from sqlalchemy import select

from tradepost.database.engine import Database
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.audit import stored
from tradepost.hub.audit.filters import EVERYTHING, Filter
from tradepost.hub.audit.models import AuditEvent, AuditLink
from tradepost.hub.audit.proof import Exported
from tradepost.hub.audit.written_out import Format, csv_head, csv_line, json_line

MOST = 1_000


class Block(NamedTuple):
    """Some lines of a file, and how many rows they are."""

    data: bytes
    rows: int


async def tail(
    database: Database,
    workspace_id: str,
    *,
    limit: int = 20,
    after: int | None = None,
    agent_id: str | None = None,
    action_id: str | None = None,
    request_id: str | None = None,
) -> Sequence[AuditEvent]:
    """Rows of a workspace, oldest first: the last `limit` ones or, with `after`, the first ones behind that sequence
    (for following the log)."""
    if not 1 <= limit <= MOST:
        raise InvalidArgument(f"limit is 1 to {MOST}, not {limit}.", field="limit")
    statement = select(AuditEvent).limit(limit)
    for column, wanted in (
        (AuditEvent.agent_id, agent_id),
        (AuditEvent.action_id, action_id),
        (AuditEvent.request_id, request_id),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if after is None:
        statement = statement.order_by(AuditEvent.sequence.desc())
    else:
        statement = statement.where(AuditEvent.sequence > after).order_by(AuditEvent.sequence)
    async with database.transaction(workspace_id, write=False) as session:
        rows = list((await session.scalars(statement)).all())
    return rows if after is not None else rows[::-1]


async def export(
    database: Database,
    workspace_id: str,
    wanted: Filter = EVERYTHING,
    form: Format = "jsonl",
    exported: Exported | None = None,
) -> AsyncIterator[Block]:
    """Rows as lines of a file, oldest first, with their place in the chain where they have one. Many at a time: memory
    does not grow with the log. With `exported` only rows that have a place, which are noted there for their proof."""
    if form == "csv":
        yield Block(csv_head(), 0)
    line = csv_line if form == "csv" else json_line
    about = (AuditLink.workspace_id == AuditEvent.workspace_id) & (AuditLink.id == AuditEvent.id)
    columns = select(AuditLink.position, AuditLink.chain_hash, *stored.SELECTED)
    statement = wanted.applied(columns.select_from(AuditEvent).join(AuditLink, about, isouter=exported is None))
    after = 0
    while True:
        async with database.transaction(workspace_id, write=False) as session:
            behind = statement.where(AuditEvent.sequence > after).order_by(AuditEvent.sequence).limit(MOST)
            rows = (await session.execute(behind)).all()
        if rows:
            lines = [line(stored.written(row) | {"position": at, "chain_hash": link}) for at, link, *row in rows]
            if exported is not None:
                exported.add(row[0] for row in rows)
            yield Block(b"".join(lines), len(rows))
        if len(rows) < MOST:
            return
        after = rows[-1][2 + stored.SEQUENCE]
