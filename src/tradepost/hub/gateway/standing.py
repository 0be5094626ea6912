"""Whether a caller may still act: its workspace, what vouches for it (key, grant or session), agent, profile and user
are there and active, whatever was true when the caller was built. Kept until the registry version moves or what vouches
for it expires; asked afresh before an approved action runs.
"""

from dataclasses import dataclass
from datetime import datetime

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.hub.access.changes import Versions, seen_version
from tradepost.hub.access.field_rules import FieldRules
from tradepost.hub.access.models import Posture
from tradepost.hub.gateway.standing_look_up import look_up, refused
from tradepost.hub.limits.quotas import DEFAULTS, Quotas, read_quotas
from tradepost.hub.policy.ruleset import NO_RULES, Ruleset
from tradepost.hub.policy.stored import Policies

MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for a caller now: the posture of its profile, the scopes it still has, its limits, what its
    workspace and its agent are called, the role of the person behind it, the workspace's rules, and which fields of
    results it may not see."""

    posture: Posture | None
    scopes: frozenset[str]
    expires_at: datetime | None
    version: int
    workspace_slug: str | None = None
    agent_slug: str | None = None
    quotas: Quotas = DEFAULTS
    role: str | None = None
    rules: Ruleset = NO_RULES
    fields: FieldRules | None = None


class Standings:
    """Looks standings up."""

    def __init__(self, database: Database, versions: Versions, now: Now = system_now) -> None:
        self._database = database
        self._versions = versions
        self._now = now
        self._policies = Policies()
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
            kept = await self._look_up(caller, version)
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[mark] = kept
        # What a shopper asked for in their minutes may wait for a person for hours: that a session is over takes
        # nothing back, that it was revoked does.
        may_be_over = fresh and caller.principal.kind == "shopper"
        if kept.expires_at is not None and kept.expires_at <= self._now() and not may_be_over:
            raise refused("its key or session has expired")
        return kept

    async def _look_up(self, caller: Caller, version: int) -> Standing:
        async with self._database.transaction(caller.workspace_id, write=False, quick=True) as session:
            found = await look_up(session, caller)
            quotas = await read_quotas(session, caller.agent_id)
            rules = await self._policies.of(session, version)
        slugs = (found.workspace_slug, found.agent_slug)
        return Standing(
            found.posture, found.scopes, found.expires_at, version, *slugs, quotas, found.role, rules, found.fields
        )


def _mark(caller: Caller) -> tuple[str, ...]:
    principal = caller.principal
    holders = caller.agent_id or "", caller.user_id or "", caller.profile_id or ""
    grant = caller.grant.id if caller.grant is not None else ""
    return caller.workspace_id, principal.kind, principal.id, *holders, grant
