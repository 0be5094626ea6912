"""OAuth clients that an admin registered. A secret is in one answer only, the one that made it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from sqlalchemy import select

from tradepost.api.access import ANSWER, Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Given, Instant, Page, PageQuery, Reference, Shown, in_path, page
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.oauth import registered as services
from tradepost.hub.access.oauth.assertions import MAX_KEYS
from tradepost.hub.access.oauth.models import OAuthClient
from tradepost.hub.access.oauth.redirects import MAX_URIS

router = APIRouter(tags=["oauth"])

Reading = Annotated[Work, Depends(may("admin", "manage:api_keys"))]
Writing = Annotated[Work, Depends(may("admin", "manage:api_keys"))]
Which = Annotated[str, in_path("The client id, or the id of its row.", "tpc_06fk3w9x0t")]
Redirect = Annotated[str, Field(min_length=1, max_length=2_000, examples=["https://app.example/callback"])]
Proof = Literal["none", "secret", "private_key_jwt"]


class KeySet(Given):
    """Public keys (a JWK Set)."""

    keys: list[dict[str, Any]] = Field(min_length=1, max_length=MAX_KEYS)


class NewClient(Given):
    """A client to register: with redirect URIs for people to consent, with an agent to act as that on its own, or both.
    One that acts on its own has to prove itself."""

    name: str = Field(
        min_length=1,
        max_length=services.MAX_NAME,
        pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$",
        description="What people read.",
        examples=["Night job"],
    )
    redirect_uris: list[Redirect] = Field([], max_length=MAX_URIS)
    agent: Reference | None = Field(None, description="The agent it acts as on its own, by slug or id.")
    proof: Proof = Field(
        "none", description="How it proves who it is: not at all, with a secret, or with a key of its own."
    )
    jwks: KeySet | None = Field(None, description="Its public keys, with the proof private_key_jwt.")


class ClientShown(Shown):
    """A client, without its secret."""

    id: str
    client_id: str
    name: str
    proof: Proof
    redirect_uris: list[str]
    agent_id: str | None
    status: Literal["active", "disabled"]
    created_by: str
    version: int
    created_at: Instant


class ClientRegistered(ClientShown):
    """A new client."""

    secret: str | None = Field(
        description="Its secret where it has one, shown only now. Null where the request was repeated with its "
        "idempotency key: the text is kept nowhere; if it was lost, disable the client and register another."
    )


@router.get("/oauth-clients", summary="List OAuth clients")
async def list_oauth_clients(work: Reading, query: Annotated[PageQuery, Query()]) -> Page[ClientShown]:
    """Those that an admin registered, the oldest first. Clients with a metadata document are in no list."""
    place = Place("oauth clients", work.caller.workspace_id, query.limit, query.cursor)
    async with work.reading() as session:
        rows, more = await page_of(session, place, select(OAuthClient), [(OAuthClient.id, str)])
    return page([_shown(row) for row in rows], more)


@router.post("/oauth-clients", status_code=201, summary="Register an OAuth client")
async def create_oauth_client(work: Writing, request: Request, body: NewClient) -> ClientRegistered:
    """It may ask for access from now on."""
    if (body.proof == "private_key_jwt") != (body.jwks is not None):
        raise InvalidArgument("jwks go with the proof private_key_jwt, and with no other.", field="jwks")
    async with work.writing() as session:
        made = await services.add_client(
            session,
            work.caller,
            body.name,
            redirect_uris=body.redirect_uris,
            agent=body.agent,
            confidential=body.proof == "secret",
            jwks=body.jwks.model_dump() if body.jwks is not None else None,
        )
        row = await services.find_client(session, made.id)
    shown = _shown(row).model_dump()
    without = ClientRegistered(**shown, secret=None)
    request.scope[ANSWER].for_repetitions = without.model_dump_json().encode()
    return ClientRegistered(**shown, secret=made.secret)


@router.get("/oauth-clients/{client}", summary="Show an OAuth client")
async def get_oauth_client(work: Reading, client: Which) -> ClientShown:
    """One client, without its secret."""
    async with work.reading() as session:
        return _shown(await services.find_client(session, client))


@router.post("/oauth-clients/{client}/disable", summary="Shut an OAuth client out")
async def disable_oauth_client(work: Writing, client: Which) -> ClientShown:
    """Its tokens stop working on the next call. Twice is the same as once."""
    async with work.writing() as session:
        row = await services.disable_client(session, work.caller, client)
        await session.flush()
        return _shown(row)


def _shown(row: OAuthClient) -> ClientShown:
    return ClientShown(
        id=row.id,
        client_id=row.client_id,
        name=row.name,
        proof="secret" if row.secret_digest is not None else "private_key_jwt" if row.jwks is not None else "none",
        redirect_uris=row.redirect_uris,
        agent_id=row.agent_id,
        status=row.status,  # type: ignore[arg-type]
        created_by=row.created_by,
        version=row.version,
        created_at=row.created_at,
    )
