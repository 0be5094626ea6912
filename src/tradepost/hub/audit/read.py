"""Looking at the audit log: the newest rows, the rows since a point, everything as JSON lines."""

from collections.abc import AsyncIterator, Sequence

import orjson
from sqlalchemy import select

from tradepost.database.engine import Database
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.audit.chain import as_plain
from tradepost.hub.audit.models import AuditEvent, AuditLink

MOST = 1_000


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


async def export(database: Database, workspace_id: str) -> AsyncIterator[bytes]:
    """Every row as one JSON line, with its place in the chain where it has one."""
    after = 0
    while True:
        async with database.transaction(workspace_id, write=False) as session:
            rows = (
                await session.execute(
                    select(AuditEvent, AuditLink.position, AuditLink.chain_hash)
                    .outerjoin(
                        AuditLink,
                        (AuditLink.workspace_id == AuditEvent.workspace_id) & (AuditLink.id == AuditEvent.id),
                    )
                    .where(AuditEvent.sequence > after)
                    .order_by(AuditEvent.sequence)
                    .limit(MOST)
                )
            ).all()
        for event, position, chain_hash in rows:
            yield orjson.dumps(as_plain(event) | {"position": position, "chain_hash": chain_hash}) + b"\n"
            after = event.sequence or after
        if len(rows) < MOST:
            return
