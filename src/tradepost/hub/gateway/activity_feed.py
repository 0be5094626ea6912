"""The audit log as people read it: newest first, with names instead of ids, in pages."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.database.types import UtcDateTime
from tradepost.foundation.clock import from_rfc3339, to_rfc3339
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.pagination import EXACT_ESTIMATE_UP_TO, decode_cursor, encode_cursor
from tradepost.foundation.untrusted import clean
from tradepost.hub.access.models import Agent, User
from tradepost.hub.audit.models import AuditEvent

KINDS = ("read", "intent", "outcome", "refused", "decision", "admin")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries."""

    start: datetime | None
    end: datetime | None
    agent: str | None
    tool: str | None
    kind: str | None
    approval_id: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log in words."""

    id: str
    at: datetime
    kind: str
    what: str
    who: str
    server: str | None
    decision: str | None
    outcome: str | None
    approval_id: str | None
    approver: str | None
    duration_us: int | None
    request_id: str


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page; `total` is exact up to 10,000, then "10,000+"."""

    entries: Sequence[Entry]
    next_cursor: str | None
    total: int | str


class Feed:
    """Reads the log of a workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, workspace_id: str, wanted: Wanted, limit: int, cursor: str | None) -> FeedPage:
        """One page. Raises NotFound for an agent that does not exist, InvalidArgument for a cursor of another list."""
        kind = f"activity/{workspace_id}/{hash_of(wanted)}"
        after = decode_cursor(kind, cursor, 2)
        async with self._database.transaction(workspace_id, write=False) as session:
            statement = await _limited(session, wanted)
            # By time, not by sequence: reads are written in groups, a little after what is written at once.
            order = (AuditEvent.occurred_at, AuditEvent.id)
            paged = statement.order_by(*(column.desc() for column in order)).limit(limit + 1)
            if after is not None:
                paged = paged.where(tuple_(*order) < tuple_(_time(after.values[0]), after.values[1]))
            rows = list(await session.scalars(paged))
            counted = select(func.count()).select_from(
                statement.with_only_columns(AuditEvent.id).limit(EXACT_ESTIMATE_UP_TO + 1).subquery()
            )
            total = int((await session.execute(counted)).scalar_one())
            names = await _names(session, rows)
        more = len(rows) > limit
        rows = rows[:limit]
        return FeedPage(
            [_entry(row, names) for row in rows],
            encode_cursor(kind, [to_rfc3339(rows[-1].occurred_at), rows[-1].id]) if more else None,
            total if total <= EXACT_ESTIMATE_UP_TO else f"{EXACT_ESTIMATE_UP_TO:,}+",
        )


def _time(text: object) -> ColumnElement[datetime]:
    try:
        return literal(from_rfc3339(str(text)), UtcDateTime())
    except ValueError:
        raise InvalidArgument("The cursor is not one that this list gave.", field="cursor") from None


def hash_of(wanted: Wanted) -> str:
    """The filters as a short text, so that a cursor goes on only with those it was given for."""
    return hashlib.sha256(repr(wanted).encode()).hexdigest()[:16]


async def _limited(session: AsyncSession, wanted: Wanted) -> Select[AuditEvent]:
    statement = select(AuditEvent).where(AuditEvent.kind.in_(KINDS if wanted.kind is None else (wanted.kind,)))
    if wanted.start is not None:
        statement = statement.where(AuditEvent.occurred_at >= wanted.start)
    if wanted.end is not None:
        statement = statement.where(AuditEvent.occurred_at < wanted.end)
    if wanted.tool is not None:
        statement = statement.where(AuditEvent.tool == wanted.tool)
    if wanted.approval_id is not None:
        statement = statement.where(AuditEvent.action_id == wanted.approval_id)
    if wanted.agent is not None:
        named = or_(Agent.slug == wanted.agent, Agent.id == wanted.agent)
        agent = (await session.scalars(select(Agent.id).where(named))).one_or_none()
        if agent is None:
            raise NotFound(
                f"No agent '{clean(wanted.agent, 60)}' was found.", hint="Use its short name.", field="agent"
            )
        statement = statement.where(AuditEvent.agent_id == agent)
    return statement


async def _names(session: AsyncSession, rows: Sequence[AuditEvent]) -> dict[str, str]:
    """What people call the agents and persons of some rows."""
    ids = {found for row in rows for found in (row.agent_id, row.user_id, row.approver_id) if found}
    if not ids:
        return {}
    agents = await session.execute(select(Agent.id, Agent.slug).where(Agent.id.in_(ids)))
    people = await session.execute(select(User.id, User.email).where(User.id.in_(ids)))
    return {row[0]: row[1] for found in (agents, people) for row in found}


def _entry(row: AuditEvent, names: dict[str, str]) -> Entry:
    acting = row.agent_id or row.user_id
    return Entry(
        id=row.id,
        at=row.occurred_at,
        kind=row.kind,
        what=row.tool or row.tag,
        who=names.get(acting, acting) if acting else row.principal_kind,
        server=row.server,
        decision=row.decision,
        outcome=row.error_code or row.outcome,
        approval_id=row.action_id,
        approver=names.get(row.approver_id, row.approver_id) if row.approver_id else None,
        duration_us=row.duration_us,
        request_id=row.request_id,
    )
