"""Who is behind an access token. The only place where a `Caller` for one is made.

A verified token is remembered by its digest until the registry version moves (every revocation, and every change of
users, agents, clients or workspaces moves it) or it expires.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from types import MappingProxyType
from typing import Any

from sqlalchemy import and_, bindparam, select

from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.caller import NO_ATTRIBUTES, Caller, Grant, Principal, Seen
from tradepost.foundation.clock import Now
from tradepost.foundation.errors import Unauthenticated
from tradepost.hub.access.changes import ROW_ID, Versions
from tradepost.hub.access.models import Agent, RegistryVersion, User, Workspace
from tradepost.hub.access.oauth.models import OAuthClient, OAuthGrant, OAuthToken
from tradepost.hub.access.oauth.resources import resource_of
from tradepost.hub.access.oauth.scopes import for_role
from tradepost.hub.access.oauth.values import MAX_SECRET
from tradepost.hub.access.tokens import digest_of

MAX_REMEMBERED = 20_000

# One statement, so that the version belongs to the very rows that were read.
_TOKEN = Lookup(
    select(OAuthToken, OAuthGrant, Agent, User, OAuthClient, Workspace.status, RegistryVersion.version)
    .join(
        OAuthGrant,
        and_(OAuthGrant.workspace_id == OAuthToken.workspace_id, OAuthGrant.id == OAuthToken.grant_id),
    )
    .join(Workspace, and_(Workspace.workspace_id == OAuthToken.workspace_id, Workspace.id == OAuthToken.workspace_id))
    .join(
        RegistryVersion,
        and_(RegistryVersion.workspace_id == OAuthToken.workspace_id, RegistryVersion.id == bindparam("registry")),
    )
    .join(Agent, and_(Agent.workspace_id == OAuthGrant.workspace_id, Agent.id == OAuthGrant.agent_id))
    .outerjoin(User, and_(User.workspace_id == OAuthGrant.workspace_id, User.id == OAuthGrant.user_id))
    .outerjoin(
        OAuthClient,
        and_(OAuthClient.workspace_id == OAuthGrant.workspace_id, OAuthClient.client_id == OAuthGrant.client_id),
    )
    .where(OAuthToken.digest == bindparam("digest"))
)


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    resource: str
    version: int
    expires_at: datetime


class AccessTokens:
    """Turns access tokens into callers."""

    def __init__(self, database: Database, versions: Versions, now: Now) -> None:
        self._database = database
        self._versions = versions
        self._now = now
        self._known: dict[str, _Known] = {}

    def knows(self, token: str) -> bool:
        """Whether this very token was verified here before; it may have been revoked since."""
        return digest_of(token[: MAX_SECRET + 1]) in self._known

    async def caller(self, token: str, request_id: str, path: str) -> Caller:
        """The caller of a request to a path. Raises Unauthenticated, the same for every reason: also for a token that
        is good elsewhere."""
        digest = digest_of(token[: MAX_SECRET + 1])
        looked_at = monotonic()
        known = self._known.get(digest)
        version = 0
        if known is not None:
            workspace_id = known.caller.workspace_id
            at_hand = self._versions.at_hand(workspace_id)
            version = await self._versions.version(workspace_id) if at_hand is None else at_hand
        if known is None or known.version < version:
            self._known.pop(digest, None)
            known = await self._look_up(digest)
        if known is None or known.expires_at <= self._now() or known.resource != resource_of(path):
            raise Unauthenticated(
                "The access token is not valid here: unknown, expired, revoked or for another endpoint.",
                hint="Get a new one: refresh it, or authorize again.",
            )
        return known.caller.for_request(request_id, seen=Seen(max(known.version, version), looked_at))

    async def _look_up(self, digest: str) -> _Known | None:
        async with self._database.system(write=False, quick=True) as session:
            found = await _TOKEN.rows(session, {"digest": digest, "registry": ROW_ID})
        if not found:
            return None
        token, grant, agent, user, client, workspace, version = found[0]
        ended = token.revoked_at is not None or grant.revoked_at is not None
        same = hmac.compare_digest(token.digest, digest) and token.kind == "access"
        active = workspace == "active" and agent.status == "active" and (client is None or client.status == "active")
        if not same or ended or not active or (user.status != "active" if user is not None else client is None):
            return None
        known = _Known(_caller(token, grant, agent, user, client), grant.resource, version, token.expires_at)
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[digest] = known
        return known


def _caller(
    token: OAuthToken, grant: OAuthGrant, agent: Agent, user: User | None, client: OAuthClient | None
) -> Caller:
    scopes = frozenset(token.scopes) & frozenset(agent.scopes)
    if user is not None:
        principal, scopes = Principal("user", user.id), for_role(scopes, user.role)
    else:
        principal = Principal("agent_key", client.id if client is not None else "")
    return Caller(
        workspace_id=grant.workspace_id,
        principal=principal,
        request_id="",
        user_id=user.id if user is not None else None,
        agent_id=agent.id,
        profile_id=agent.profile_id,
        scopes=scopes,
        attributes=attributes_of(user),
        grant=Grant(grant.id, grant.client_id),
    )


def attributes_of(user: Any) -> Mapping[str, str]:
    """What limits a person to a region, a warehouse or a customer."""
    kept = getattr(user, "attributes", None) or {}
    return MappingProxyType({str(name): str(value) for name, value in kept.items()}) if kept else NO_ATTRIBUTES
