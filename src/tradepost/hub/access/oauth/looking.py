"""Revoking a token (RFC 7009) and asking what one is worth (RFC 7662): a client's own tokens only. A token of another
client or workspace is treated like one that never was."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Agent, User, Workspace
from tradepost.hub.access.oauth.clients import Client
from tradepost.hub.access.oauth.grants import end_grant
from tradepost.hub.access.oauth.models import OAuthGrant, OAuthToken
from tradepost.hub.access.oauth.resources import Resources
from tradepost.hub.access.oauth.scopes import for_role
from tradepost.hub.access.roles import system_caller
from tradepost.hub.access.tokens import digest_of

INACTIVE: dict[str, Any] = {"active": False}


async def revoke_token(database: Database, client: Client, token: str, now: Now = system_now) -> None:
    """End a token on the next call; with a refresh token its whole grant. Nothing happens for a foreign one."""
    found = await _own(database, client, token)
    if found is None:
        return
    async with database.transaction(found.workspace_id, write=True) as session:
        locked = select(OAuthGrant).where(OAuthGrant.id == found.grant_id).with_for_update()
        grant = (await session.scalars(locked)).one()
        by = system_caller(found.workspace_id, new_id("req"))
        if found.kind == "refresh":
            await end_grant(session, by, grant, "revoked by its client", now)
            return
        row = await session.scalar(select(OAuthToken).where(OAuthToken.id == found.id))
        if row is not None and row.revoked_at is None:
            row.revoked_at = now()
            await record_change(session, by, "oauth_token:revoked", grant.id, {"client": grant.client_id[:200]})


async def introspect(
    database: Database, client: Client, token: str, resources: Resources, now: datetime
) -> dict[str, Any]:
    """The answer of RFC 7662."""
    found = await _own(database, client, token)
    if found is None or found.revoked_at is not None or found.rotated_at is not None or found.expires_at <= now:
        return INACTIVE
    async with database.transaction(found.workspace_id, write=False) as session:
        grant = (await session.scalars(select(OAuthGrant).where(OAuthGrant.id == found.grant_id))).one()
        agent = await session.scalar(select(Agent).where(Agent.id == grant.agent_id, Agent.status == "active"))
        user = await session.scalar(select(User).where(User.id == grant.user_id)) if grant.user_id else None
        workspace = await session.scalar(select(Workspace.status))
    if grant.revoked_at is not None or agent is None or workspace != "active":
        return INACTIVE
    scopes = frozenset(found.scopes) & frozenset(agent.scopes)
    if grant.user_id is not None:
        if user is None or user.status != "active":
            return INACTIVE
        scopes = for_role(scopes, user.role)
    return {
        "active": True,
        "client_id": grant.client_id,
        "scope": " ".join(sorted(scopes)),
        "sub": grant.user_id or grant.client_id,
        "aud": resources.uri(grant.resource),
        "iss": resources.url,
        "token_type": "Bearer",
        "iat": int(found.issued_at.timestamp()),
        "exp": int(found.expires_at.timestamp()),
    }


async def _own(database: Database, client: Client, token: str) -> OAuthToken | None:
    async with database.system(write=False) as session:
        row = await session.scalar(select(OAuthToken).where(OAuthToken.digest == digest_of(token)))
        if row is None:
            return None
        grants = select(OAuthGrant).where(OAuthGrant.id == row.grant_id, OAuthGrant.workspace_id == row.workspace_id)
        grant = await session.scalar(grants)
    if grant is None or grant.client_id != client.client_id or (grant.needs_key and client.jwks is None):
        return None
    return row
