"""Whether a caller may still act: its workspace, key or grant, agent and user are there and active, whatever was true
when the caller was built. Kept until the registry version moves or the key expires; asked afresh before an approved
action runs.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import Unauthenticated
from tradepost.hub.access.changes import Versions, seen_version
from tradepost.hub.access.models import Agent, ApiKey, Posture, Profile, User, Workspace
from tradepost.hub.access.oauth.models import OAuthClient, OAuthGrant
from tradepost.hub.access.oauth.scopes import for_role
from tradepost.hub.limits.quotas import DEFAULTS, Quotas, read_quotas

MOST_KEPT = 10_000

# One statement for all: whoever is not named, or not there, is NULL in it.
_ALL = Lookup(
    select(
        Workspace.status,
        Workspace.slug,
        ApiKey.id,
        ApiKey.revoked_at,
        ApiKey.expires_at,
        ApiKey.scopes,
        User.status,
        Agent.status,
        Agent.slug,
        Agent.scopes,
        Profile.posture,
        OAuthGrant.id,
        OAuthGrant.revoked_at,
        User.role,
        OAuthClient.status,
    )
    .select_from(Workspace)
    .outerjoin(ApiKey, and_(ApiKey.workspace_id == Workspace.workspace_id, ApiKey.id == bindparam("key")))
    .outerjoin(User, and_(User.workspace_id == Workspace.workspace_id, User.id == bindparam("user")))
    .outerjoin(Agent, and_(Agent.workspace_id == Workspace.workspace_id, Agent.id == bindparam("agent")))
    .outerjoin(Profile, and_(Profile.workspace_id == Agent.workspace_id, Profile.id == Agent.profile_id))
    .outerjoin(OAuthGrant, and_(OAuthGrant.workspace_id == Workspace.workspace_id, OAuthGrant.id == bindparam("grant")))
    .outerjoin(
        OAuthClient,
        and_(OAuthClient.workspace_id == OAuthGrant.workspace_id, OAuthClient.client_id == OAuthGrant.client_id),
    )
    .where(Workspace.id == bindparam("workspace"))
)


class _Row(NamedTuple):
    """What _ALL selects, in its order."""

    workspace: str | None
    workspace_slug: str | None
    key: str | None
    key_revoked_at: datetime | None
    key_expires_at: datetime | None
    key_scopes: list[str] | None
    user: str | None
    agent: str | None
    agent_slug: str | None
    agent_scopes: list[str] | None
    posture: Posture | None
    grant: str | None
    grant_revoked_at: datetime | None
    role: str | None
    client: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for a caller now: the posture of its profile, the scopes it still has, its limits, and what its
    workspace and its agent are called."""

    posture: Posture | None
    scopes: frozenset[str]
    expires_at: datetime | None
    version: int
    workspace_slug: str | None = None
    agent_slug: str | None = None
    quotas: Quotas = DEFAULTS


class Standings:
    """Looks standings up."""

    def __init__(self, database: Database, versions: Versions, now: Now = system_now) -> None:
        self._database = database
        self._versions = versions
        self._now = now
        self._kept: dict[tuple[str, ...], Standing] = {}

    def at_hand(self, caller: Caller) -> Standing | None:
        """The caller's standing, where nothing has to be asked for it."""
        version, kept = seen_version(caller), self._kept.get(_mark(caller))
        if version is None or kept is None or kept.version < version:
            return None
        return kept if kept.expires_at is None or kept.expires_at > self._now() else None

    async def confirm(self, caller: Caller, *, fresh: bool = False) -> Standing:
        """The caller's standing. Raises Unauthenticated when it has none any more."""
        version = None if fresh else seen_version(caller)
        if version is None:
            version = await self._versions.version(caller.workspace_id)
        mark = _mark(caller)
        kept = self._kept.get(mark)
        if kept is None or kept.version < version or fresh:
            async with self._database.transaction(caller.workspace_id, write=False, quick=True) as session:
                kept = replace(
                    await _look_up(session, caller, version), quotas=await read_quotas(session, caller.agent_id)
                )
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[mark] = kept
        if kept.expires_at is not None and kept.expires_at <= self._now():
            raise _refused("its key has expired")
        return kept


def _mark(caller: Caller) -> tuple[str, ...]:
    principal = caller.principal
    grant = caller.grant.id if caller.grant is not None else ""
    return caller.workspace_id, principal.kind, principal.id, caller.agent_id or "", caller.user_id or "", grant


async def _look_up(session: AsyncSession, caller: Caller, version: int) -> Standing:
    is_key = caller.grant is None and caller.principal.kind in ("agent_key", "api_key")
    named = {
        "grant": caller.grant.id if caller.grant is not None else "",
        "workspace": caller.workspace_id,
        "key": caller.principal.id if is_key else "",
        "user": caller.user_id or "",
        "agent": caller.agent_id or "",
    }
    rows = await _ALL.rows(session, named)
    row = _Row(*rows[0]) if rows else _Row(*(None,) * len(_Row._fields))
    if row.workspace != "active":
        raise _refused("its workspace is not active")
    if is_key and (row.key is None or row.key_revoked_at is not None):
        raise _refused("its key was revoked")
    if caller.grant is not None and (row.grant is None or row.grant_revoked_at is not None or row.client == "disabled"):
        raise _refused("what was granted to its client was taken back")
    if caller.user_id is not None and row.user != "active":
        raise _refused("its user is not active")
    scopes = caller.scopes if row.key_scopes is None else caller.scopes & frozenset(row.key_scopes)
    if caller.grant is not None and row.role is not None:
        scopes = for_role(scopes, row.role)
    if caller.agent_id is None:
        return Standing(None, scopes, row.key_expires_at, version, row.workspace_slug)
    if row.agent != "active" or row.agent_scopes is None:
        raise _refused("its agent is not active")
    scopes &= frozenset(row.agent_scopes)
    return Standing(row.posture, scopes, row.key_expires_at, version, row.workspace_slug, row.agent_slug)


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"This caller may not act any more: {why}.", hint="Ask an admin of the workspace.")
