"""The record of every call and decision, and the proof that nobody changed it."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlalchemy import select

from tradepost.api.access import ANSWER, Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Given, Instant, Moment, Page, PageQuery, Shown, in_path, page
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.hub.audit.chain import as_shown
from tradepost.hub.audit.filters import Filter
from tradepost.hub.audit.models import AuditEvent, AuditKind
from tradepost.hub.audit.proof import proof
from tradepost.hub.audit.read import Block, export
from tradepost.hub.audit.signing import Signer
from tradepost.hub.audit.verify import verify
from tradepost.hub.audit.written_out import MEDIA_TYPES, Format

router = APIRouter(tags=["audit"])

Reading = Annotated[Work, Depends(may("viewer", "read:audit"))]
Exporting = Annotated[Work, Depends(may("admin", "read:audit"))]
Verifying = Annotated[Work, Depends(may("admin", "read:audit"))]
Exactly = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class AuditFilter(Given):
    """Which rows. Several filters hold together."""

    since: Moment | None = Field(None, description="From this time on.", examples=["2026-02-24T00:00:00Z"])
    until: Moment | None = Field(None, description="Before this time.")
    kind: AuditKind | None = Field(None, description="read, intent, outcome, refused, decision or admin.")
    request_id: Exactly | None = Field(None, description="All rows of one request.")
    run_id: Exactly | None = Field(None, description="All rows of one agent run.")
    action_id: Exactly | None = Field(None, description="All rows about one approval.")
    agent_id: Exactly | None = None
    user_id: Exactly | None = None
    server: Exactly | None = Field(None, description="The server's slug.")
    tool: Exactly | None = None


class AuditQuery(AuditFilter, PageQuery):
    """Which rows, a page at a time."""


class ExportQuery(AuditFilter):
    """Which rows, and in which form."""

    format: Format = Field("jsonl", description="JSON lines, or CSV whose cells no spreadsheet takes for formulas.")


class ProofQuery(Given):
    """Which rows, by their positions in the chain."""

    first: Annotated[int, Field(ge=1, le=2**53)] = 1
    last: Annotated[int, Field(ge=1, le=2**53, description="As the export has them in its rows.")]


class AuditRow(Shown):
    """One fact, never changed. Arguments appear as far as the workspace keeps them."""

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
    upstream_us: int | None = Field(description="Microseconds of them that the server took.")
    upstream_request_id: str | None = Field(description="What the server calls the request, or jsonrpc: and its id.")
    rule_id: str | None = Field(description="The workspace's rule that decided.")
    arguments: dict[str, Any] | None
    arguments_bytes: int | None = Field(description="The size of the arguments as JSON.")
    result_bytes: int | None = Field(description="The size of the result as JSON.")
    result_tokens: int | None = Field(description="About how many tokens the result is: a quarter of its bytes.")
    details: dict[str, Any]


class Verify(Given):
    """What to verify."""

    head: str | None = Field(
        None,
        max_length=100,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="A hash noted earlier that must be in the chain, or be that of its last checkpoint.",
    )


class Verified(Shown):
    """What a check found."""

    intact: bool
    checked: int = Field(description="Links that were recomputed.")
    from_position: int = Field(description="The last checkpoint, behind which links were recomputed; 0 without one.")
    position: int = Field(description="The place of the head in the chain.")
    unsealed: int = Field(description="Rows that wait for the sealer, a moment at most while the hub runs.")
    head: str = Field(description="Note it elsewhere: later it proves that nothing was cut off the end.")
    broken_at: int | None
    reason: str | None
    signed_position: int = Field(description="Up to here the chain is signed; 0: not at all.")
    signed_at: Instant | None
    key: str | None = Field(description="The public key (Ed25519, base64) of the newest signature.")


@router.get("/audit", summary="List audit rows")
async def list_audit(work: Reading, query: Annotated[AuditQuery, Query()]) -> Page[AuditRow]:
    """What happened, the newest first."""
    filters = query.model_dump(exclude={"limit", "cursor"})
    place = Place("audit", work.caller.workspace_id, query.limit, query.cursor, tuple(filters.values()))
    wanted = _filter(query)
    statement = wanted.applied(select(AuditEvent).where(AuditEvent.sequence.is_not(None)))
    async with work.reading() as session:
        rows, more = await page_of(session, place, statement, wanted.newest_first, newest=True)
    return page([_shown(row) for row in rows], more)


@router.get("/audit/export", summary="Export audit rows", response_class=Response)
async def export_audit(request: Request, work: Exporting, query: Annotated[ExportQuery, Query()]) -> Response:
    """All rows that fit, oldest first, as a stream of JSON lines or CSV, with their places in the chain."""
    rows = export(work.parts.database, work.caller.workspace_id, _filter(query), query.format)
    request.scope[ANSWER].stream = _pieces(rows)
    named = {"content-disposition": f'attachment; filename="audit.{query.format}"'}
    return Response(media_type=MEDIA_TYPES[query.format], headers=named)


async def _pieces(blocks: AsyncIterator[Block]) -> AsyncGenerator[bytes, None]:
    async for block in blocks:
        yield block.data


@router.get("/audit/proof", summary="Export what proves audit rows", response_class=Response)
async def export_proof(request: Request, work: Exporting, query: Annotated[ProofQuery, Query()]) -> Response:
    """The hashes of all links from one position to another, and what was signed of them, as JSON lines: with it,
    `tradepost audit verify --export FILE --proof FILE` checks an export far from here."""
    if query.last < query.first:
        raise InvalidArgument("The last position lies before the first.", field="last")
    lines = proof(work.parts.database, work.caller.workspace_id, query.first, query.last)
    begin = await anext(lines)  # so that what is not there is said before anything is sent
    request.scope[ANSWER].stream = _after(begin, lines)
    named = {"content-disposition": 'attachment; filename="audit.proof.jsonl"'}
    return Response(media_type=MEDIA_TYPES["jsonl"], headers=named)


async def _after(begin: bytes, lines: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    yield begin
    async for block in lines:
        yield block


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
    signer = Signer(work.parts.database, work.parts.vault.audit_keys())
    trust = await signer.trust(work.caller.workspace_id)
    result = await verify(work.parts.database, work.caller.workspace_id, body.head, trust)
    return Verified(
        intact=result.intact,
        checked=result.checked,
        from_position=result.from_position,
        position=result.position,
        unsealed=result.unsealed,
        head=result.head,
        broken_at=result.broken_at,
        reason=result.reason,
        signed_position=result.signed_position,
        signed_at=result.signed_at,
        key=result.key,
    )


def _filter(query: AuditFilter) -> Filter:
    return Filter(**{name: getattr(query, name) for name in AuditFilter.model_fields})


def _shown(event: AuditEvent) -> AuditRow:
    return AuditRow.model_validate(as_shown(event))
