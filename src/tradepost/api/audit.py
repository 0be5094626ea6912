"""The record of every call and decision, and the proof that nobody changed it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import Select, select

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Given, Instant, Moment, Page, PageQuery, Shown, in_path, page
from tradepost.foundation.errors import NotFound
from tradepost.hub.audit.models import AuditEvent, AuditKind
from tradepost.hub.audit.verify import verify

router = APIRouter(tags=["audit"])

Reading = Annotated[Work, Depends(may("viewer", "read:audit"))]
Verifying = Annotated[Work, Depends(may("admin", "read:audit"))]
Exactly = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class AuditQuery(PageQuery):
    """Which rows. Several filters hold together."""

    since: Moment | None = Field(None, description="From this time on.", examples=["2026-02-24T00:00:00Z"])
    until: Moment | None = Field(None, description="Before this time.")
    kind: AuditKind | None = Field(None, description="read, intent, outcome, refused, decision or admin.")
    request_id: Exactly | None = Field(None, description="All rows of one request.")
    action_id: Exactly | None = Field(None, description="All rows about one approval.")
    agent_id: Exactly | None = None
    user_id: Exactly | None = None
    server: Exactly | None = Field(None, description="The server's slug.")
    tool: Exactly | None = None


class AuditRow(Shown):
    """One fact, never changed. Arguments appear as digests."""

    id: str
    sequence: int
    occurred_at: Instant
    kind: str
    tag: str = Field(description='subject:verb, for example "tool:call".')
    request_id: str
    run_id: str | None
    principal_kind: str
    principal_id: str
    agent_id: str | None
    user_id: str | None
    server: str | None
    tool: str | None
    action_id: str | None
    arguments_digest: str | None
    definition_digest: str | None
    decision: str | None
    approver_id: str | None
    outcome: str | None
    error_code: str | None
    duration_us: int | None = Field(description="Microseconds.")
    details: dict[str, Any]


class Verify(Given):
    """What to verify."""

    head: str | None = Field(
        None,
        max_length=100,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="A hash noted earlier that must be in the chain.",
    )


class Verified(Shown):
    """What a check found."""

    intact: bool
    checked: int = Field(description="Links that were recomputed.")
    unsealed: int = Field(description="Rows that wait for the sealer, a moment at most while the hub runs.")
    head: str = Field(description="Note it elsewhere: later it proves that nothing was cut off the end.")
    broken_at: int | None
    reason: str | None


@router.get("/audit", summary="List audit rows")
async def list_audit(work: Reading, query: Annotated[AuditQuery, Query()]) -> Page[AuditRow]:
    """What happened, the newest first."""
    filters = query.model_dump(exclude={"limit", "cursor"})
    place = Place("audit", work.caller.workspace_id, query.limit, query.cursor, tuple(filters.values()))
    async with work.reading() as session:
        rows, more = await page_of(session, place, _filtered(query), [(AuditEvent.sequence, int)], newest=True)
    return page([_shown(row) for row in rows], more)


@router.get("/audit/{row}", summary="Show an audit row")
async def get_audit_row(work: Reading, row: Annotated[str, in_path("The row's id.", "aud_06fk3w9x0t")]) -> AuditRow:
    """One row."""
    async with work.reading() as session:
        found = await session.scalar(select(AuditEvent).where(AuditEvent.id == row))
    if found is None:
        raise NotFound("There is no such row.")
    return _shown(found)


@router.post("/audit/verify", summary="Verify the audit's chain")
async def verify_audit(work: Verifying, body: Verify) -> Verified:
    """Recompute the whole chain of the workspace: nothing changed, removed or slipped in. Takes a while for millions of
    rows; changes nothing."""
    result = await verify(work.parts.database, work.caller.workspace_id, body.head)
    return Verified(
        intact=result.intact,
        checked=result.checked,
        unsealed=result.unsealed,
        head=result.head,
        broken_at=result.broken_at,
        reason=result.reason,
    )


def _filtered(query: AuditQuery) -> Select[AuditEvent]:
    statement = select(AuditEvent).where(AuditEvent.sequence.is_not(None))
    if query.since is not None:
        statement = statement.where(AuditEvent.occurred_at >= query.since)
    if query.until is not None:
        statement = statement.where(AuditEvent.occurred_at < query.until)
    for name in ("kind", "request_id", "action_id", "agent_id", "user_id", "server", "tool"):
        wanted = getattr(query, name)
        if wanted is not None:
            statement = statement.where(getattr(AuditEvent, name) == wanted)
    return statement


def _shown(event: AuditEvent) -> AuditRow:
    return AuditRow.model_validate(event, from_attributes=True)
