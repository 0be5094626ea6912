"""How much was called, by whom and how well, counted from the audit."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import ColumnElement, String, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Instant, Moment, Page, PageQuery, Shown, page
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.audit.models import AuditEvent

router = APIRouter(tags=["usage"])

Reading = Annotated[Work, Depends(may("viewer", "read:usage"))]
By = Literal["day", "agent", "tool", "server"]
MOST = timedelta(days=92)
USUALLY = timedelta(days=30)


class UsageQuery(PageQuery):
    """What to count."""

    by: By = Field("day", description="What each row is about.")
    since: Moment | None = Field(None, description="From this time on; 30 days before `until` without it.")
    until: Moment | None = Field(None, description="Before this time; now without it. At most 92 days after `since`.")
    agent_id: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00]*$")
    server: str | None = Field(
        None, min_length=1, max_length=200, pattern=r"^[^\x00]*$", description="The server's slug."
    )


class UsageRow(Shown):
    """The calls of one day (UTC), agent, tool or server. An empty key stands for calls without one, for example of
    people, or refused before a tool was found."""

    key: str = Field(description="The day, the agent's id, the tool's name, or the server's slug.")
    calls: int
    reads: int
    writes: int = Field(description="Writes that were sent.")
    refused: int = Field(description="Calls that never reached a server.")
    errors: int = Field(description="Calls with an error code, refused ones among them.")
    mean_ms: float | None


class UsagePage(Page[UsageRow]):
    """Counts by key."""

    by: By
    since: Instant
    until: Instant


@router.get("/usage", summary="Count calls")
async def get_usage(work: Reading, query: Annotated[UsageQuery, Query()]) -> UsagePage:
    """Calls, writes and errors per day, agent, tool or server."""
    until = query.until or work.parts.now()
    since = query.since or until - USUALLY
    if not timedelta(0) < until - since <= MOST:
        raise InvalidArgument(
            f"The time from since to until is not between nothing and {MOST.days} days.",
            field="since",
            hint="Ask for a shorter time, several times if need be.",
        )
    filters = (query.by, query.since, query.until, query.agent_id, query.server)
    place = Place("usage", work.caller.workspace_id, query.limit, query.cursor, filters)
    async with work.reading() as session:
        rows, more = await _count(session, place, query, since, until)
    counted = page([_shown(row) for row in rows], more)
    return UsagePage(**counted.model_dump(), by=query.by, since=since, until=until)


async def _count(
    session: AsyncSession, place: Place, query: UsageQuery, since: datetime, until: datetime
) -> tuple[list[Any], str | None]:
    key = _key(query.by, session.get_bind().dialect.name)
    kinds = ("read", "outcome", "refused")  # one row for each call; an intent comes before its outcome
    statement = select(
        func.count().label("calls"),
        *(_how_many(AuditEvent.kind == kind).label(kind) for kind in kinds),
        _how_many(AuditEvent.error_code.is_not(None)).label("errors"),
        func.avg(AuditEvent.duration_us).label("mean_us"),
    ).where(AuditEvent.kind.in_(kinds), AuditEvent.occurred_at >= since, AuditEvent.occurred_at < until)
    if query.agent_id is not None:
        statement = statement.where(AuditEvent.agent_id == query.agent_id)
    if query.server is not None:
        statement = statement.where(AuditEvent.server == query.server)
    return await page_of(session, place, statement.add_columns(key).group_by(key), [(key, str)])


def _key(by: By, dialect: str) -> ColumnElement[str]:
    if by == "day" and dialect == "sqlite":
        return func.substr(AuditEvent.occurred_at, 1, 10, type_=String())
    if by == "day":
        return func.to_char(func.timezone("UTC", AuditEvent.occurred_at), "YYYY-MM-DD", type_=String())
    column: Any = {"agent": AuditEvent.agent_id, "tool": AuditEvent.tool, "server": AuditEvent.server}[by]
    return func.coalesce(column, "", type_=String())


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _shown(row: Any) -> UsageRow:
    calls, reads, writes, refused, errors, mean_us, key = row
    return UsageRow(
        key=key,
        calls=calls,
        reads=reads,
        writes=writes,
        refused=refused,
        errors=errors,
        mean_ms=round(float(mean_us) / 1000, 3) if mean_us is not None else None,
    )
