"""Giving tokens: for a code, for a refresh token, to a client that acts on its own.

A refresh token is good once. Whoever shows one a second time is taken for a thief, and the whole family of tokens ends
(OAuth 2.1 section 4.3.1). One exception: a client may have lost the answer. Within ten seconds, and as long as nobody
has used the next token, the same client gets another pair; the pair before is void. A thief gains nothing by that: the
client then shows a void token, and the family ends.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Agent, User, Workspace
from tradepost.hub.access.oauth import values
from tradepost.hub.access.oauth.clients import Client
from tradepost.hub.access.oauth.errors import (
    INVALID_SCOPE,
    INVALID_TARGET,
    UNAUTHORIZED_CLIENT,
    OAuthError,
    invalid_client,
    invalid_grant,
)
from tradepost.hub.access.oauth.grants import end_grant
from tradepost.hub.access.oauth.models import OAuthCode, OAuthGrant, OAuthToken
from tradepost.hub.access.oauth.resources import MCP
from tradepost.hub.access.oauth.scopes import BASE, is_open
from tradepost.hub.access.roles import system_caller
from tradepost.hub.access.tokens import digest_of


@dataclass(frozen=True, slots=True)
class Issued:
    """New tokens, in the only moment they exist."""

    access: str
    refresh: str | None
    scopes: list[str]

    def as_body(self) -> dict[str, object]:
        """The answer of RFC 6749 section 5.1."""
        body: dict[str, object] = {
            "access_token": self.access,
            "token_type": "Bearer",
            "expires_in": int(values.ACCESS_LIFE.total_seconds()),
            "scope": " ".join(self.scopes),
        }
        return body if self.refresh is None else {**body, "refresh_token": self.refresh}


class Issuing:
    """The three grants of the token endpoint. All raise OAuthError."""

    def __init__(self, database: Database, now: Now = system_now) -> None:
        self._database = database
        self._now = now

    async def for_code(
        self, client: Client, code: str, redirect_uri: str, verifier: str, resource: str | None
    ) -> Issued:
        """Tokens for an authorization code. A code that comes again ends what it gave."""
        async with self._database.system(write=False) as session:
            seen = await session.scalar(select(OAuthCode).where(OAuthCode.digest == digest_of(code)))
        if seen is None or seen.client_id != client.client_id:
            raise invalid_grant()
        if seen.used_at is not None:
            await self._end(seen.workspace_id, seen.grant_id, "its code came twice")
            raise invalid_grant()
        now = self._now()
        bound = redirect_uri == seen.redirect_uri and values.fits(verifier, seen.challenge)
        if seen.expires_at <= now or not bound:
            raise invalid_grant()
        async with self._database.transaction(seen.workspace_id, write=True) as session:
            grant = await _locked(session, seen.grant_id)
            _check_key(grant, client)
            _check_resource(grant, resource)
            # Two that come at once have both seen an unused code: the database lets one of them have it.
            mine = await session.scalar(
                update(OAuthCode)
                .where(OAuthCode.id == seen.id, OAuthCode.used_at.is_(None))
                .values(used_at=now)
                .returning(OAuthCode.id)
            )
            if mine is None or not await _stands(session, grant):
                raise invalid_grant()
            return await _issue(session, grant, grant.scopes, now, refresh=True)

    async def for_refresh(self, client: Client, token: str, scopes: list[str] | None, resource: str | None) -> Issued:
        """The next pair of tokens; `scopes` may be fewer than before, for the access token alone."""
        async with self._database.system(write=False) as session:
            seen = await session.scalar(
                select(OAuthToken).where(OAuthToken.digest == digest_of(token), OAuthToken.kind == "refresh")
            )
        if seen is None:
            raise invalid_grant()
        now = self._now()
        async with self._database.transaction(seen.workspace_id, write=True) as session:
            grant = await _locked(session, seen.grant_id)
            if grant.client_id != client.client_id:
                raise invalid_grant()
            _check_key(grant, client)
            row = await session.scalar(select(OAuthToken).where(OAuthToken.id == seen.id))
            _check_resource(grant, resource)
            if row is None or row.expires_at <= now or not await _stands(session, grant):
                raise invalid_grant()
            if scopes is not None and not set(scopes) - {BASE} <= set(row.scopes):
                raise OAuthError(INVALID_SCOPE, "A refresh cannot ask for more than was granted.")
            if await _may_rotate(session, row, now):
                row.rotated_at = row.rotated_at or now
                narrowed = row.scopes if scopes is None or is_open(scopes) else scopes
                return await _issue(session, grant, narrowed, now, refresh=True, parent=row)
        await self._end(seen.workspace_id, seen.grant_id, "a refresh token came twice")
        raise invalid_grant()

    async def for_itself(self, client: Client, scopes: list[str], resource: str | None) -> Issued:
        """A token for a client that acts as its agent, without a person."""
        if client.workspace_id is None or client.agent_id is None or not client.is_confidential:
            raise OAuthError(UNAUTHORIZED_CLIENT, "This client may not act on its own.")
        now = self._now()
        async with self._database.transaction(client.workspace_id, write=True) as session:
            agent = await session.scalar(select(Agent).where(Agent.id == client.agent_id, Agent.status == "active"))
            if agent is None:
                raise OAuthError(UNAUTHORIZED_CLIENT, "The agent of this client is not active.")
            named = set(scopes) - {BASE}
            if not named <= set(agent.scopes):
                raise OAuthError(INVALID_SCOPE, "The agent of this client does not have all of these scopes.")
            grant = await self._own_grant(session, client, agent, resource or MCP)
            given = sorted(agent.scopes) if is_open(scopes) else sorted(named)
            return await _issue(session, grant, given, now, refresh=False)

    async def _own_grant(self, session: AsyncSession, client: Client, agent: Agent, resource: str) -> OAuthGrant:
        """The one grant of a client that acts on its own at a resource."""
        grant = await session.scalar(
            select(OAuthGrant).where(
                OAuthGrant.client_id == client.client_id,
                OAuthGrant.user_id.is_(None),
                OAuthGrant.agent_id == agent.id,
                OAuthGrant.resource == resource,
                OAuthGrant.revoked_at.is_(None),
            )
        )
        if grant is None:
            grant = OAuthGrant(
                id=new_id("oag"),
                client_id=client.client_id,
                client_name=client.name,
                agent_id=agent.id,
                scopes=[],
                resource=resource,
            )
            session.add(grant)
            by = system_caller(grant.workspace_id or agent.workspace_id, new_id("req"))
            details = {"client": client.client_id, "agent": agent.id, "resource": resource}
            await record_change(session, by, "oauth_grant:made", grant.id, details)
        return grant

    async def _end(self, workspace_id: str, grant_id: str, why: str) -> None:
        async with self._database.transaction(workspace_id, write=True) as session:
            grant = await _locked(session, grant_id)
            await end_grant(session, system_caller(workspace_id, new_id("req")), grant, why, self._now)


async def _locked(session: AsyncSession, grant_id: str) -> OAuthGrant:
    """A grant whose tokens nobody else changes meanwhile."""
    return (await session.scalars(select(OAuthGrant).where(OAuthGrant.id == grant_id).with_for_update())).one()


async def _stands(session: AsyncSession, grant: OAuthGrant) -> bool:
    """Whether those whom a grant is about are there and active."""
    states = [await session.scalar(select(Workspace.status)), await _status(session, Agent, grant.agent_id)]
    if grant.user_id is not None:
        states.append(await _status(session, User, grant.user_id))
    return grant.revoked_at is None and all(state == "active" for state in states)


async def _status(session: AsyncSession, model: type[Agent] | type[User], row_id: str) -> str | None:
    return await session.scalar(select(model.status).where(model.id == row_id))


async def _may_rotate(session: AsyncSession, row: OAuthToken, now: datetime) -> bool:
    """Whether a refresh token may be exchanged. For an answer that may have been lost: the pair it had is made void."""
    if row.revoked_at is not None:
        return False
    if row.rotated_at is None:
        return True
    if now - row.rotated_at > values.RETRY_WINDOW:
        return False
    given = list(await session.scalars(select(OAuthToken).where(OAuthToken.parent_id == row.id)))
    if any(token.rotated_at is not None for token in given):
        return False
    for token in given:
        token.revoked_at = token.revoked_at or now
    return True


def _check_key(grant: OAuthGrant, client: Client) -> None:
    """A client known by its document says there how it proves itself: what it was given so is not for one that did not,
    whatever its document says today."""
    if grant.needs_key and client.jwks is None:
        raise invalid_client()


def _check_resource(grant: OAuthGrant, resource: str | None) -> None:
    if resource is not None and resource != grant.resource:
        raise OAuthError(INVALID_TARGET, "The grant is for another resource.")


async def _issue(
    session: AsyncSession,
    grant: OAuthGrant,
    scopes: list[str],
    now: datetime,
    *,
    refresh: bool,
    parent: OAuthToken | None = None,
) -> Issued:
    await session.execute(delete(OAuthToken).where(OAuthToken.grant_id == grant.id, OAuthToken.expires_at < now))
    access, further = values.new_secret(values.ACCESS), values.new_secret(values.REFRESH) if refresh else None
    kept = parent.scopes if parent is not None else scopes
    made = [("access", access, scopes, values.ACCESS_LIFE)]
    if further is not None:
        made.append(("refresh", further, kept, values.REFRESH_LIFE))
    for kind, secret, held, life in made:
        session.add(
            OAuthToken(
                id=new_id("oat"),
                kind=kind,
                digest=digest_of(secret),
                grant_id=grant.id,
                parent_id=parent.id if parent is not None else None,
                scopes=held,
                issued_at=now,
                expires_at=now + life,
            )
        )
    return Issued(access, further, scopes)
