"""Bearer keys of agents and of people. A key's text is in one answer only, the one that made it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ConfigDict, Field
from sqlalchemy import select

from tradepost.api.access import ANSWER, Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import (
    Given,
    Instant,
    Moment,
    Page,
    PageQuery,
    Reference,
    Scope,
    Shown,
    Words,
    either,
    in_path,
    page,
)
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument
from tradepost.hub.access import keys as services
from tradepost.hub.access.agents import find_agent, find_profile
from tradepost.hub.access.models import ApiKey
from tradepost.hub.access.people import find_user

router = APIRouter(tags=["keys"])

Reading = Annotated[Work, Depends(may("admin", "manage:api_keys"))]
Writing = Annotated[Work, Depends(may("admin", "manage:api_keys"))]
Which = Annotated[str, in_path("The key's id or its eight public characters.", "key_06fk3w9x0t")]
Address = Annotated[str, Field(min_length=2, max_length=60, examples=["192.0.2.0/24"])]
MAX_GRACE_SECONDS = 30 * 24 * 3600


class NewKey(Given):
    """A key to mint, for an agent or for a person: exactly one of them."""

    model_config = ConfigDict(json_schema_extra=either("agent", "user"))

    agent: Reference | None = Field(None, description="The agent that acts with it, by slug or id.")
    user: Reference | None = Field(None, description="The person whose role it acts with, by e-mail address or id.")
    label: Words = Field("", description="Where it is used.")
    scopes: list[Scope] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Narrows it: an agent's key to some of the agent's scopes, a person's to the routes of these.",
    )
    expires_at: Moment | None = Field(None, description="When it stops working.", examples=["2027-01-31T00:00:00Z"])
    allowed_addresses: list[Address] | None = Field(
        None, min_length=1, max_length=50, description="Addresses or networks it may be used from; any without it."
    )
    profile: Reference | None = Field(
        None, description="With a person: the profile whose shared tools it sees, by slug or id."
    )
    customer: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_.:-]{1,64}$", description="The one customer it is bound to."
    )


class Rotation(Given):
    """How to replace a key."""

    grace_seconds: int = Field(
        0, ge=0, le=MAX_GRACE_SECONDS, description="How long the old one still works beside the new one."
    )


class KeyShown(Shown):
    """A key, without its text."""

    id: str
    prefix: str = Field(description="Its eight public characters.")
    kind: Literal["agent_key", "api_key"]
    agent_id: str | None
    user_id: str | None
    label: str
    profile_id: str | None
    customer: str | None
    scopes: list[str] | None
    allowed_addresses: list[str] | None
    created_at: Instant
    created_by: str
    expires_at: Instant | None
    revoked_at: Instant | None
    last_used_at: Instant | None


class MintedShown(KeyShown):
    """A new key."""

    key: str | None = Field(
        description="Its text, shown only now. Null where the request was repeated with its idempotency key: the text "
        "is kept nowhere; if it was lost, revoke the key and mint another."
    )


@router.get("/keys", summary="List keys")
async def list_keys(work: Reading, query: Annotated[PageQuery, Query()]) -> Page[KeyShown]:
    """All keys, the oldest first: whose they are and when they were used, never their text."""
    place = Place("keys", work.caller.workspace_id, query.limit, query.cursor)
    async with work.reading() as session:
        rows, more = await page_of(session, place, select(ApiKey), [(ApiKey.id, str)])
    return page([_shown(row) for row in rows], more)


@router.post("/keys", status_code=201, summary="Mint a key")
async def mint_key(work: Writing, request: Request, body: NewKey) -> MintedShown:
    """A new key. Nobody mints a key for a person whose role is above their own."""
    if (body.agent is None) == (body.user is None):
        raise InvalidArgument("A key belongs to an agent or to a person.", hint="Name exactly one.", field="agent")
    if body.user is not None:
        _check_not_wider(work.caller, body.scopes)
    async with work.writing() as session:
        terms = services.KeyTerms(
            label=body.label,
            scopes=frozenset(body.scopes) if body.scopes is not None else None,
            expires_at=body.expires_at,
            allowed_addresses=None if body.allowed_addresses is None else tuple(body.allowed_addresses),
            profile_id=(await find_profile(session, body.profile)).id if body.profile is not None else None,
            customer=body.customer,
        )
        minted = await services.mint(
            session,
            work.caller,
            terms,
            agent_id=(await find_agent(session, body.agent)).id if body.agent is not None else None,
            user_id=(await find_user(session, body.user)).id if body.user is not None else None,
            now=work.parts.now,
        )
        row = await services.find_key(session, minted.id)
    return _minted(request, row, minted.secret)


@router.get("/keys/{key}", summary="Show a key")
async def get_key(work: Reading, key: Which) -> KeyShown:
    """One key, without its text."""
    async with work.reading() as session:
        return _shown(await services.find_key(session, key))


@router.post("/keys/{key}/rotate", status_code=201, summary="Replace a key")
async def rotate_key(work: Writing, request: Request, key: Which, body: Rotation) -> MintedShown:
    """A new key with the rights of an old one, which ends now or after a while."""
    async with work.writing() as session:
        old = await services.find_key(session, key)
        if old.user_id is not None:
            _check_not_wider(work.caller, old.scopes)
        grace = timedelta(seconds=body.grace_seconds)
        minted = await services.rotate(session, work.caller, key, grace=grace, now=work.parts.now)
        row = await services.find_key(session, minted.id)
    return _minted(request, row, minted.secret)


@router.post("/keys/{key}/revoke", summary="End a key")
async def revoke_key(work: Writing, key: Which) -> KeyShown:
    """It is refused from the next request on. Ending it twice is the same as once."""
    async with work.writing() as session:
        await services.revoke(session, work.caller, key, work.parts.now)
        return _shown(await services.find_key(session, key))


def _check_not_wider(caller: Caller, wanted: Sequence[str] | None) -> None:
    """A key that was narrowed gives nobody what it does not have itself. Raises ForbiddenScope."""
    if caller.scopes and (wanted is None or not caller.scopes.issuperset(wanted)):
        raise ForbiddenScope(
            "A key with scopes cannot make a person's key with other ones.",
            hint=f"Name some of its own scopes: {', '.join(sorted(caller.scopes))}.",
            field="scopes",
        )


def _minted(request: Request, row: ApiKey, secret: str) -> MintedShown:
    shown = _shown(row).model_dump()
    without = MintedShown(**shown, key=None)
    request.scope[ANSWER].for_repetitions = without.model_dump_json().encode()
    return MintedShown(**shown, key=secret)


def _shown(row: ApiKey) -> KeyShown:
    return KeyShown(
        id=row.id,
        prefix=row.prefix,
        kind="agent_key" if row.kind == "agent_key" else "api_key",
        agent_id=row.agent_id,
        user_id=row.user_id,
        label=row.label,
        profile_id=row.profile_id,
        customer=row.customer,
        scopes=row.scopes,
        allowed_addresses=row.allowed_addresses,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
