"""OAuth grants: what people let programs do, and what programs with an agent of their own got."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import select

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Instant, Page, PageQuery, Shown, in_path, page
from tradepost.hub.access.oauth import grants as services
from tradepost.hub.access.oauth.models import OAuthGrant
from tradepost.hub.access.people import find_user

router = APIRouter(tags=["oauth"])

Reading = Annotated[Work, Depends(may("admin", "manage:api_keys"))]
Writing = Annotated[Work, Depends(may("admin", "manage:api_keys"))]
Which = Annotated[str, in_path("The grant's id.", "oag_06fk3w9x0t")]


class GrantQuery(PageQuery):
    """Which grants."""

    user: str | None = Field(
        None, min_length=1, max_length=200, pattern=r"^[^\x00]*$", description="Of this person, by id or address."
    )
    client: str | None = Field(
        None, min_length=1, max_length=2_048, pattern=r"^[^\x00]*$", description="Of this client id."
    )
    status: Literal["active", "all"] = Field("active", description="all: those that were taken back, too.")


class GrantShown(Shown):
    """What a client may do."""

    id: str
    client_id: str
    client_name: str
    user_id: str | None = Field(description="Who let it; null for a client that acts on its own.")
    agent_id: str
    scopes: list[str]
    resource: str = Field(description="The path of the endpoint that its tokens are for.")
    needs_key: bool = Field(description="Whether its tokens are only for whoever has the client's key.")
    created_at: Instant
    revoked_at: Instant | None


@router.get("/oauth-grants", summary="List OAuth grants")
async def list_oauth_grants(work: Reading, query: Annotated[GrantQuery, Query()]) -> Page[GrantShown]:
    """Who let which client do what, the oldest first."""
    filters = (query.user, query.client, query.status)
    place = Place("oauth grants", work.caller.workspace_id, query.limit, query.cursor, filters)
    statement = select(OAuthGrant)
    if query.client is not None:
        statement = statement.where(OAuthGrant.client_id == query.client)
    if query.status == "active":
        statement = statement.where(OAuthGrant.revoked_at.is_(None))
    async with work.reading() as session:
        if query.user is not None:
            statement = statement.where(OAuthGrant.user_id == (await find_user(session, query.user)).id)
        rows, more = await page_of(session, place, statement, [(OAuthGrant.id, str)])
    return page([_shown(row) for row in rows], more)


@router.get("/oauth-grants/{grant}", summary="Show an OAuth grant")
async def get_oauth_grant(work: Reading, grant: Which) -> GrantShown:
    """One grant."""
    async with work.reading() as session:
        return _shown(await services.find_grant(session, grant))


@router.post("/oauth-grants/{grant}/revoke", summary="Take an OAuth grant back")
async def revoke_oauth_grant(work: Writing, grant: Which) -> GrantShown:
    """All of its tokens stop working on the next call, and the person is asked before the client gets others. Twice is
    the same as once."""
    async with work.writing() as session:
        return _shown(await services.revoke_grant(session, work.caller, grant, work.parts.now))


def _shown(row: OAuthGrant) -> GrantShown:
    return GrantShown(
        id=row.id,
        client_id=row.client_id,
        client_name=row.client_name,
        user_id=row.user_id,
        agent_id=row.agent_id,
        scopes=row.scopes,
        resource=row.resource,
        needs_key=row.needs_key,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
