"""Shopper sessions: the shop's backend lets one of its signed-in customers in, for some minutes."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from tradepost.api.access import ANSWER, Work, admin_or_key_with
from tradepost.api.shapes import Given, Instant, Reference, Scope, Shown, in_path
from tradepost.hub.access import shoppers as services
from tradepost.hub.access.models import ShopperSession
from tradepost.hub.registration.granting import scopes_through_profile

router = APIRouter(tags=["shopper sessions"])

Minting = Annotated[Work, Depends(admin_or_key_with(services.MINTING_SCOPE))]
Which = Annotated[str, in_path("The session's id or its eight public characters.", "shs_06fk3w9x0t")]


class NewShopperSession(Given):
    """Whom to let in, and for how long."""

    customer: str = Field(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$",
        description="The customer's id or number in the shop.",
        examples=["cus_06fk3w9x0t"],
    )
    profile: Reference | None = Field(None, description="The customer-facing profile, where there are several.")
    scopes: list[Scope] | None = Field(
        None, min_length=1, max_length=20, description="Some of those that shoppers can have; all without it."
    )
    minutes: int = Field(15, ge=1, le=60, description="How long it lives.")


class ShopperSessionShown(Shown):
    """A session, without its token."""

    id: str
    prefix: str = Field(description="Its eight public characters.")
    customer: str
    profile_id: str
    scopes: list[str]
    expires_at: Instant
    revoked_at: Instant | None


class MintedShopperSession(Shown):
    """A new session."""

    id: str
    prefix: str
    customer: str
    profile: str
    scopes: list[str]
    expires_at: Instant
    token: str | None = Field(
        description="For `Authorization: Bearer`, shown only now. Null where the request was repeated with its "
        "idempotency key: mint another one then."
    )


class SessionsQuery(Given):
    """Whose sessions."""

    customer: str | None = Field(None, min_length=1, max_length=64, description="Only those of this customer.")
    limit: int = Field(20, ge=1, le=50, description="How many at most.")


class ShopperSessions(Shown):
    """The sessions that can be used now, the newest first."""

    items: list[ShopperSessionShown]


@router.post("/shopper-sessions", status_code=201, summary="Let a customer in")
async def create_shopper_session(work: Minting, request: Request, body: NewShopperSession) -> MintedShopperSession:
    """A token for one customer, with which they see what is assigned to the customer-facing profile, and of the shop
    nothing but their own."""
    async with work.writing() as session:
        minted = await services.mint_shopper_session(
            session,
            work.caller,
            body.customer,
            profile=body.profile,
            scopes=body.scopes,
            lives=timedelta(minutes=body.minutes),
            shown=scopes_through_profile,
            now=work.parts.now,
        )
    shown = MintedShopperSession(
        id=minted.id,
        prefix=minted.prefix,
        customer=minted.customer,
        profile=minted.profile,
        scopes=list(minted.scopes),
        expires_at=minted.expires_at,
        token=minted.token,
    )
    repeated = shown.model_copy(update={"token": None})
    request.scope[ANSWER].for_repetitions = repeated.model_dump_json().encode()
    return shown


@router.get("/shopper-sessions", summary="List sessions")
async def list_shopper_sessions(work: Minting, query: Annotated[SessionsQuery, Query()]) -> ShopperSessions:
    """Those that can be used now."""
    async with work.reading() as session:
        rows = await services.list_shopper_sessions(
            session, work.caller, customer=query.customer, limit=query.limit, now=work.parts.now
        )
    return ShopperSessions(items=[_shown(row) for row in rows])


@router.post("/shopper-sessions/{shopper_session}/revoke", summary="End a session")
async def revoke_shopper_session(work: Minting, shopper_session: Which) -> ShopperSessionShown:
    """It is refused from the next request on. Ending it twice is the same as once."""
    async with work.writing() as session:
        return _shown(await services.revoke_shopper_session(session, work.caller, shopper_session, work.parts.now))


def _shown(row: ShopperSession) -> ShopperSessionShown:
    return ShopperSessionShown(
        id=row.id,
        prefix=row.prefix,
        customer=row.customer,
        profile_id=row.profile_id,
        scopes=row.scopes,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
