"""Clients that an admin registers: added with their secret shown once, listed, disabled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.ids import handle, new_id
from tradepost.hub.access.agents import find_agent
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.oauth.assertions import checked_keys
from tradepost.hub.access.oauth.models import OAuthClient
from tradepost.hub.access.oauth.redirects import MAX_URIS, fault_of
from tradepost.hub.access.oauth.values import SECRET, new_secret
from tradepost.hub.access.roles import require_role
from tradepost.hub.access.tokens import digest_of

MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class AddedClient:
    """A new client. `secret` is only here; None for a client without one."""

    id: str
    client_id: str
    name: str
    secret: str | None


async def add_client(
    session: AsyncSession,
    by: Caller,
    name: str,
    *,
    redirect_uris: Sequence[str] = (),
    agent: str | None = None,
    confidential: bool = False,
    jwks: dict[str, Any] | None = None,
) -> AddedClient:
    """Register a client: with redirect URIs for people who consent, with an agent to act as that on its own (then it
    has a secret, or proves itself with one of the public keys in `jwks`)."""
    await require_role(session, by, "admin")
    if not name.strip() or len(name) > MAX_NAME:
        raise InvalidArgument(f"A client has a name of at most {MAX_NAME} characters.", field="name")
    if not redirect_uris and agent is None:
        raise InvalidArgument(
            "The client could do nothing.", hint="Give a redirect URI for people to consent, or an agent to act as."
        )
    if agent is not None and not confidential and jwks is None:
        raise InvalidArgument("A client that acts on its own has to prove itself.", hint="Give it a secret or keys.")
    for uri in redirect_uris:
        fault = fault_of(uri)
        if fault is not None:
            raise InvalidArgument(f"'{uri[:80]}' cannot be a redirect URI: {fault}.", field="redirect_uri")
    if len(redirect_uris) > MAX_URIS:
        raise InvalidArgument(f"A client has at most {MAX_URIS} redirect URIs.", field="redirect_uri")
    secret = new_secret(SECRET) if confidential and jwks is None else None
    row = OAuthClient(
        id=new_id("oac"),
        client_id=handle("tpc"),
        name=" ".join(name.split()),
        redirect_uris=list(redirect_uris),
        secret_digest=digest_of(secret) if secret is not None else None,
        jwks=checked_keys(jwks) if jwks is not None else None,
        agent_id=(await find_agent(session, agent)).id if agent is not None else None,
        created_by=by.user_id or by.principal.id,
    )
    session.add(row)
    await record_change(session, by, "oauth_client:added", row.id, {"client": row.client_id, "agent": row.agent_id})
    return AddedClient(row.id, row.client_id, row.name, secret)


async def disable_client(session: AsyncSession, by: Caller, client: str) -> OAuthClient:
    """Shut a client out: its tokens stop working on the next call."""
    await require_role(session, by, "admin")
    row = await find_client(session, client)
    if row.status != "disabled":
        row.status = "disabled"
        await record_change(session, by, "oauth_client:disabled", row.id, {"client": row.client_id})
    return row


async def find_client(session: AsyncSession, client: str) -> OAuthClient:
    """A registered client by its client id or the id of its row. Raises NotFound."""
    row = await session.scalar(
        select(OAuthClient).where((OAuthClient.client_id == client) | (OAuthClient.id == client))
    )
    if row is None:
        raise NotFound(f"There is no client '{client[:60]}'.", hint="Run `tradepost oauth-client list`.")
    return row


async def list_clients(session: AsyncSession) -> list[OAuthClient]:
    """All registered clients, the oldest first."""
    return list(await session.scalars(select(OAuthClient).order_by(OAuthClient.created_at, OAuthClient.id)))
