"""Whether a caller may still act: its workspace, key, agent and user are there and active, whatever was true when the
caller was built. Kept until the registry version moves or the key expires; asked afresh before an approved action runs.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import Unauthenticated
from tradepost.hub.access.changes import Versions, seen_version
from tradepost.hub.access.models import Agent, ApiKey, Posture, Profile, User, Workspace

MOST_KEPT = 10_000


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

    async def confirm(self, caller: Caller, *, fresh: bool = False) -> Standing:
        """The caller's standing. Raises Unauthenticated when it has none any more."""
        version = None if fresh else seen_version(caller)
        if version is None:
            version = await self._versions.version(caller.workspace_id)
        mark = (
            caller.workspace_id,
            caller.principal.kind,
            caller.principal.id,
            caller.agent_id or "",
            caller.user_id or "",
        )
        kept = self._kept.get(mark)
        if kept is None or kept.version < version or fresh:
            async with self._database.transaction(caller.workspace_id, write=False) as session:
                kept = await _look_up(session, caller, version)
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[mark] = kept
        if kept.expires_at is not None and kept.expires_at <= self._now():
            raise _refused("its key has expired")
        return kept


async def _look_up(session: AsyncSession, caller: Caller, version: int) -> Standing:
    workspace = await session.scalar(select(Workspace).where(Workspace.id == caller.workspace_id))
    if workspace is None or workspace.status != "active":
        raise _refused("its workspace is not active")
    scopes, expires_at = caller.scopes, None
    if caller.principal.kind in ("agent_key", "api_key"):
        key = await session.scalar(select(ApiKey).where(ApiKey.id == caller.principal.id))
        if key is None or key.revoked_at is not None:
            raise _refused("its key was revoked")
        expires_at = key.expires_at
        scopes = scopes if key.scopes is None else scopes & frozenset(key.scopes)
    if caller.user_id is not None:
        user = await session.scalar(select(User).where(User.id == caller.user_id))
        if user is None or user.status != "active":
            raise _refused("its user is not active")
    if caller.agent_id is None:
        return Standing(None, scopes, expires_at, version)
    agent = await session.scalar(select(Agent).where(Agent.id == caller.agent_id))
    if agent is None or agent.status != "active":
        raise _refused("its agent is not active")
    posture = await session.scalar(select(Profile.posture).where(Profile.id == agent.profile_id))
    return Standing(cast(Posture | None, posture), scopes & frozenset(agent.scopes), expires_at, version)


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"This caller may not act any more: {why}.", hint="Ask an admin of the workspace.")
