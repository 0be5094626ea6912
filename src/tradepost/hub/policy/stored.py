"""Rules between rows and values, and the rules in force, compiled once for a registry version."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.lookups import Lookup
from tradepost.hub.policy.built_in import BUILT_IN
from tradepost.hub.policy.models import SETTINGS_ID, PolicyRule, PolicySettings
from tradepost.hub.policy.rule import Rule
from tradepost.hub.policy.ruleset import Ruleset
from tradepost.hub.policy.window import window_of

UTC = "UTC"
MOST_KEPT = 2_000

_RULES = Lookup(select(PolicyRule), first="one")
_ZONE = Lookup(select(PolicySettings.time_zone).where(PolicySettings.id == bindparam("id")), first="one")


def rule_of(row: Any) -> Rule:
    """The rule of a row."""
    return Rule(
        id=row.id,
        name=row.name,
        kind=cast(Any, row.kind),
        order=row.place,
        enabled=row.enabled,
        profile_id=row.profile_id,
        agent_id=row.agent_id,
        server=row.server,
        tool=row.tool,
        tool_class=cast(Any, row.tool_class),
        when=row.condition,
        outcome=cast(Any, row.outcome),
        approvals=row.approvals,
        expires_in=None if row.expires_seconds is None else timedelta(seconds=row.expires_seconds),
        caller_may_confirm=row.caller_may_confirm,
        approver_role=cast(Any, row.approver_role),
        loosens=row.loosens,
        reason=row.reason,
        window=window_of(row.window),
        version=row.version,
    )


def columns_of(rule: Rule) -> dict[str, Any]:
    """What a row has of a rule, without its id."""
    return {
        "name": rule.name,
        "kind": rule.kind,
        "place": rule.order,
        "enabled": rule.enabled,
        "profile_id": rule.profile_id,
        "agent_id": rule.agent_id,
        "server": rule.server,
        "tool": rule.tool,
        "tool_class": rule.tool_class,
        "condition": rule.when,
        "outcome": rule.outcome,
        "approvals": rule.approvals,
        "expires_seconds": None if rule.expires_in is None else int(rule.expires_in.total_seconds()),
        "caller_may_confirm": rule.caller_may_confirm,
        "approver_role": rule.approver_role,
        "loosens": rule.loosens,
        "reason": rule.reason,
        "window": None if rule.window is None else rule.window.as_stored(),
    }


async def read_own(session: AsyncSession) -> list[Rule]:
    """The rules of the session's workspace, in the order in which they are looked at."""
    rows = await _RULES.rows(session, {})
    return sorted((rule_of(row) for (row,) in rows), key=lambda rule: rule.place)


async def read_zone(session: AsyncSession) -> str:
    """The workspace's time zone."""
    rows = await _ZONE.rows(session, {"id": SETTINGS_ID})
    return str(rows[0][0]) if rows else UTC


async def read_ruleset(session: AsyncSession) -> Ruleset:
    """All rules in force, with the built-in ones."""
    return Ruleset([*await read_own(session), *BUILT_IN], await read_zone(session))


class Policies:
    """Keeps the rules of each workspace for as long as its registry version stays."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, Ruleset]] = {}

    async def of(self, session: AsyncSession, version: int) -> Ruleset:
        """The rules of the session's workspace at a registry version that was looked at before."""
        workspace_id = str(session.info["workspace_id"])
        kept = self._kept.get(workspace_id)
        if kept is not None and kept[0] >= version:
            return kept[1]
        found = await read_ruleset(session)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[workspace_id] = (version, found)
        return found
