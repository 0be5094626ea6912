"""How much was called, by whom and how well, counted from the audit."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.shapes import Instant, Moment, Page, PageQuery, Shown, page
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.pagination import decode_cursor, encode_cursor
from tradepost.hub.audit.usage import By, Usage, Wanted, usage

router = APIRouter(tags=["usage"])

Reading = Annotated[Work, Depends(may("viewer", "read:usage"))]
Exactly = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
MOST = timedelta(days=92)
USUALLY = timedelta(days=30)


class UsageQuery(PageQuery):
    """What to count. Days are whole ones, in UTC."""

    by: By = Field("day", description="What each row is about.")
    since: Moment | None = Field(None, description="From the day of this time on; 30 days before `until` without it.")
    until: Moment | None = Field(None, description="To the day before this time, or of it; now without it. 92 days.")
    agent_id: Exactly | None = None
    user_id: Exactly | None = None
    server: Exactly | None = Field(None, description="The server's slug.")
    tool: Exactly | None = None


class UsageRow(Shown):
    """The calls of one day (UTC), agent, tool, server or person. An empty key stands for calls without one, for example
    of people, or refused before a tool was found."""

    key: str = Field(description="The day, the agent's or person's id, the tool's name, or the server's slug.")
    calls: int
    reads: int
    writes: int = Field(description="Writes that were sent.")
    refused: int = Field(description="Calls that never reached a server.")
    errors: int = Field(description="Calls with an error code, refused ones among them.")
    approvals: int = Field(description="Writes that people approved.")
    tokens: int = Field(description="About how many tokens the results were: a quarter of their bytes.")
    mean_ms: float | None
    p50_ms: float | None = Field(description="Half of the calls took at most about so long.")
    p95_ms: float | None = Field(description="19 of 20 calls took at most about so long.")
    upstream_mean_ms: float | None = Field(description="What servers took of it, per call.")


class UsagePage(Page[UsageRow]):
    """Counts by key."""

    by: By
    since: Instant
    until: Instant


@router.get("/usage", summary="Count calls")
async def get_usage(work: Reading, query: Annotated[UsageQuery, Query()]) -> UsagePage:
    """Calls, writes, approvals, errors, tokens and times per day, agent, tool, server or person."""
    now = work.parts.now()
    until = query.until or now
    since = query.since or until - USUALLY
    if not timedelta(0) < until - since <= MOST:
        raise InvalidArgument(
            f"The time from since to until is not between nothing and {MOST.days} days.",
            field="since",
            hint="Ask for a shorter time, several times if need be.",
        )
    first, behind = _day_of(since), _day_of(until - timedelta(microseconds=1)) + timedelta(days=1)
    days = f"{first:%Y-%m-%d}", f"{behind - timedelta(days=1):%Y-%m-%d}"
    wanted = Wanted(query.by, *days, query.agent_id, query.user_id, query.server, query.tool)
    filters = (query.by, query.since, query.until, query.agent_id, query.user_id, query.server, query.tool)
    kind = f"usage/{work.caller.workspace_id}/{hashlib.sha256(repr(filters).encode()).hexdigest()[:16]}"
    place = decode_cursor(kind, query.cursor, 1)
    after = None if place is None else str(place.values[0])
    async with work.reading() as session:
        found = await usage(session, wanted)
    rows = [(key, one) for key, one in found.items() if after is None or key > after]
    more = encode_cursor(kind, [rows[query.limit - 1][0]]) if len(rows) > query.limit else None
    counted = page([_shown(key, one) for key, one in rows[: query.limit]], more)
    return UsagePage(**counted.model_dump(), by=query.by, since=first, until=behind)


def _day_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _shown(key: str, one: Usage) -> UsageRow:
    def mean(total_us: int) -> float | None:
        return round(total_us / one.timed / 1000, 3) if one.timed else None

    return UsageRow(
        key=key,
        calls=one.calls,
        reads=one.reads,
        writes=one.writes,
        refused=one.refused,
        errors=one.errors,
        approvals=one.approvals,
        tokens=one.tokens,
        mean_ms=mean(one.total_us),
        p50_ms=one.at_most_ms(0.5),
        p95_ms=one.at_most_ms(0.95),
        upstream_mean_ms=mean(one.upstream_us),
    )
