"""Whether a caller may still act: its workspace, key or session, agent, profile and user are there and active, whatever
was true when the caller was built. Kept until the registry version moves or the key expires; asked afresh before an
approved action runs.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import Unauthenticated
from tradepost.hub.access.changes import Versions, seen_version
from tradepost.hub.access.models import Agent, ApiKey, Posture, Profile, ShopperSession, User, Workspace

MOST_KEPT = 10_000

# One statement for all: whoever is not named, or not there, is NULL in it.
_ALL = Lookup(
    select(
        Workspace.status,
        ApiKey.id,
        ApiKey.revoked_at,
        ApiKey.expires_at,
        ApiKey.scopes,
        User.status,
        Agent.status,
        Agent.scopes,
        Profile.posture,
        ShopperSession.id,
        ShopperSession.revoked_at,
        ShopperSession.expires_at,
        ShopperSession.scopes,
    )
    .select_from(Workspace)
    .outerjoin(ApiKey, and_(ApiKey.workspace_id == Workspace.workspace_id, ApiKey.id == bindparam("key")))
    .outerjoin(User, and_(User.workspace_id == Workspace.workspace_id, User.id == bindparam("user")))
    .outerjoin(Agent, and_(Agent.workspace_id == Workspace.workspace_id, Agent.id == bindparam("agent")))
    .outerjoin(
        Profile,
        and_(
            Profile.workspace_id == Workspace.workspace_id,
            Profile.id == func.coalesce(Agent.profile_id, bindparam("profile")),
        ),
    )
    .outerjoin(
        ShopperSession,
        and_(ShopperSession.workspace_id == Workspace.workspace_id, ShopperSession.id == bindparam("shopper")),
    )
    .where(Workspace.id == bindparam("workspace"))
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for a caller now: the posture of its profile and the scopes it still has."""

    posture: Posture | None
    scopes: frozenset[str]
    expires_at: datetime | None
    version: int


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
                kept = await _look_up(session, caller, version)
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[mark] = kept
        # What a shopper asked for in their minutes may wait for a person for hours: that a session is over takes
        # nothing back, that it was revoked does.
        may_be_over = fresh and caller.principal.kind == "shopper"
        if kept.expires_at is not None and kept.expires_at <= self._now() and not may_be_over:
            raise _refused("its key or session has expired")
        return kept


def _mark(caller: Caller) -> tuple[str, ...]:
    principal = caller.principal
    holders = caller.agent_id or "", caller.user_id or "", caller.profile_id or ""
    return caller.workspace_id, principal.kind, principal.id, *holders


async def _look_up(session: AsyncSession, caller: Caller, version: int) -> Standing:
    kind, principal_id = caller.principal.kind, caller.principal.id
    is_key, is_shopper = kind in ("agent_key", "api_key"), kind == "shopper"
    named = {
        "workspace": caller.workspace_id,
        "key": principal_id if is_key else "",
        "user": caller.user_id or "",
        "agent": caller.agent_id or "",
        "profile": caller.profile_id or "",
        "shopper": principal_id if is_shopper else "",
    }
    rows = await _ALL.rows(session, named)
    workspace, *credential, user, agent, granted, posture = (*rows[0][:9],) if rows else (None,) * 9
    if workspace != "active":
        raise _refused("its workspace is not active")
    held, revoked_at, expires_at, own = rows[0][9:] if is_shopper else credential
    if (is_key or is_shopper) and (held is None or revoked_at is not None):
        raise _refused("its session was revoked" if is_shopper else "its key was revoked")
    scopes = caller.scopes if own is None else caller.scopes & frozenset(own)
    if caller.user_id is not None and user != "active":
        raise _refused("its user is not active")
    if caller.agent_id is not None and (agent != "active" or granted is None):
        raise _refused("its agent is not active")
    if caller.profile_id is not None and posture is None:
        raise _refused("its profile is gone")
    if is_shopper and posture != "customer":
        raise _refused("its profile is not customer-facing any more")
    return Standing(posture, scopes if granted is None else scopes & frozenset(granted), expires_at, version)


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"This caller may not act any more: {why}.", hint="Ask an admin of the workspace.")
