"""Setting limits and features: in force on the next call, with a line in the audit.

What holds for a workspace is the plan that whoever runs the installation gave it, so only they set it. An agent's own
limits, which can only be lower, are an admin's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope, NotFound
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Agent
from tradepost.hub.access.roles import require_role
from tradepost.hub.limits.budgets import used_today
from tradepost.hub.limits.models import WORKSPACE, LimitSettings
from tradepost.hub.limits.quotas import (
    FEATURE,
    FEATURES,
    MONEY,
    QUOTAS,
    Value,
    checked,
    counter_of,
    plain,
    required_name,
)


@dataclass(frozen=True, slots=True)
class InForce:
    """One limit or feature: its value (None is no limit), whether the agent, the workspace or nobody (`default`) set
    it, how much of it is used today (None for what does not count by the day), and what it means."""

    name: str
    value: Value | None
    set_by: str
    what: str
    used: int | None = None


async def change(
    session: AsyncSession,
    by: Caller,
    agent: str | None = None,
    *,
    given: Mapping[str, object] | None = None,
    dropped: Sequence[str] = (),
) -> list[InForce]:
    """Set some limits and let go of others, of the workspace or of one agent (by slug). Returns what holds then. Raises
    InvalidArgument, NotFound, ForbiddenScope."""
    if agent is None:
        _require_operator(by)
    else:
        await require_role(session, by, "admin")
    whose = WORKSPACE if agent is None else await _agent_id(session, agent)
    wanted = {name: checked(name, value, of_agent=agent is not None) for name, value in (given or {}).items()}
    for name in dropped:
        required_name(name, of_agent=agent is not None)
    row = await _row(session, whose)
    before = dict(row.settings) if row is not None else {}
    after = {name: value for name, value in {**before, **wanted}.items() if name not in dropped}
    if after != before:
        if row is None:
            row = LimitSettings(id=whose)
            session.add(row)
        row.settings = after
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        details = {
            "before": {name: before[name] for name in changed if name in before},
            "after": {name: after[name] for name in changed if name in after},
        }
        await record_change(session, by, "limits:set", whose, details)
    return await in_force(session, agent)


async def in_force(session: AsyncSession, agent: str | None = None) -> list[InForce]:
    """What holds for the workspace, or for one agent of it, in the order of the names. Raises NotFound."""
    agent_id = None if agent is None else await _agent_id(session, agent)
    of_all = await _settings(session, WORKSPACE)
    used = await used_today(session, agent_id or WORKSPACE)
    if agent_id is None:
        found = [_with_use(_named(name, of_all), used) for name in _names(of_all)]
        return [*found, *(_feature(name, of_all) for name in FEATURES)]
    own = await _settings(session, agent_id)
    return [_with_use(_of_agent(name, of_all, own), used) for name in _names({**of_all, **own})]


def _with_use(found: InForce, used: Mapping[str, int]) -> InForce:
    counter = counter_of(found.name)
    return found if counter is None else replace(found, used=used.get(counter, 0))


def _of_agent(name: str, of_all: Mapping[str, Value], own: Mapping[str, Value]) -> InForce:
    usual = _named(name, of_all)
    if name not in own or (counter_of(name) is None and usual.value is not None and usual.value <= own[name]):
        return usual
    return InForce(name, own[name], "agent", usual.what)


def _named(name: str, of_all: Mapping[str, Value]) -> InForce:
    quota = QUOTAS[name.partition(".")[0]]
    if name in of_all:
        return InForce(name, of_all[name], "workspace", quota.what)
    return InForce(name, quota.default, "default", quota.what)


def _feature(name: str, of_all: Mapping[str, Value]) -> InForce:
    full = f"{FEATURE}.{name}"
    return InForce(full, of_all.get(full, True), "workspace" if full in of_all else "default", FEATURES[name])


def _names(found: Mapping[str, Value]) -> list[str]:
    """All limits; money for each currency that has one, or once for none."""
    money = sorted(name for name in found if name.startswith(f"{MONEY}."))
    return [name for name in QUOTAS if name != MONEY] + (money or [MONEY])


def _require_operator(by: Caller) -> None:
    if by.principal.kind not in ("operator", "system") or by.user_id is not None:
        raise ForbiddenScope(
            "The limits and features of a workspace are set by whoever runs this installation.",
            hint="An admin can set lower ones for an agent: `tradepost limits set --agent AGENT NAME=VALUE`.",
        )


async def _agent_id(session: AsyncSession, slug: str) -> str:
    found = await session.scalar(select(Agent.id).where(Agent.slug == slug))
    if found is None:
        raise NotFound(f"There is no agent '{slug[:60]}'.", hint="`tradepost agent list` shows them.")
    return found


async def _row(session: AsyncSession, whose: str) -> LimitSettings | None:
    return await session.scalar(select(LimitSettings).where(LimitSettings.id == whose))


async def _settings(session: AsyncSession, whose: str) -> Mapping[str, Value]:
    row = await _row(session, whose)
    return {} if row is None else plain(row.settings)
