"""Keeping rules: an admin adds, changes, removes and orders them, freezes writes and lets them go on. Each acts on the
very next call, and has its line in the audit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.hub.access.changes import bump, record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.policy.built_in import BUILT_IN
from tradepost.hub.policy.models import SETTINGS_ID, PolicyRule, PolicySettings
from tradepost.hub.policy.rule import Rule
from tradepost.hub.policy.stored import columns_of, read_own, read_zone, rule_of
from tradepost.hub.policy.window import checked_zone
from tradepost.hub.registration.policies.drafts import Names, frozen, read_names, rule_from, shown

MOST_RULES = 500
Given = Mapping[str, Any]


async def every(session: AsyncSession) -> tuple[list[Rule], Names]:
    """All rules of the workspace in the order in which they are looked at, then the built-in ones."""
    return [*await read_own(session), *BUILT_IN], await read_names(session)


async def find(session: AsyncSession, name: str) -> Rule:
    """A rule by its name or id. Raises NotFound."""
    for rule in [*await read_own(session), *BUILT_IN]:
        if name in (rule.id, rule.name):
            return rule
    raise NotFound(f"There is no rule '{name[:60]}'.", hint="Run `tradepost policy list`.")


async def find_own(session: AsyncSession, name: str) -> Rule:
    """A rule that can be changed or removed. Raises NotFound, StateConflict (it is built in)."""
    rule = await find(session, name)
    if rule.built_in:
        raise _is_built_in(name)
    return rule


async def add(session: AsyncSession, by: Caller, given: Given, now: Now = system_now) -> Rule:
    """Add a rule. Raises InvalidArgument, NotFound, StateConflict (the name is taken)."""
    await require_role(session, by, "admin")
    names = await read_names(session)
    rule = rule_from(given, names)
    if rule.kind == "freeze":
        rule = frozen(rule, now())
    await bump(session)  # first, for its lock: two who add the same name see each other
    taken = {one.name for one in BUILT_IN} | {one.name for one in await read_own(session)}
    if rule.name in taken:
        raise StateConflict(f"There is a rule '{rule.name}' already.", hint="Change it, or choose another name.")
    if await session.scalar(select(func.count()).select_from(PolicyRule)) >= MOST_RULES:  # type: ignore[operator]
        raise StateConflict(f"A workspace has at most {MOST_RULES} rules.", hint="Remove one that is not needed.")
    session.add(PolicyRule(id=rule.id, **columns_of(rule)))
    await session.flush()
    await record_change(session, by, f"policy:{rule.kind}_added", rule.id, {"after": shown(rule, names)})
    return rule


async def change(session: AsyncSession, by: Caller, name: str, given: Given) -> Rule:
    """Change what is said of a rule, and nothing else. Raises InvalidArgument, NotFound, StateConflict."""
    await require_role(session, by, "admin")
    names = await read_names(session)
    row, before = await _own(session, name)
    rule = rule_from({**given, "kind": before.kind}, names, before)
    clash = select(PolicyRule.id).where(PolicyRule.name == rule.name, PolicyRule.id != rule.id)
    if await session.scalar(clash) is not None or rule.name in {one.name for one in BUILT_IN}:
        raise StateConflict(f"There is a rule '{rule.name}' already.", hint="Choose another name.")
    if rule == before:
        return rule
    for column, value in columns_of(rule).items():
        setattr(row, column, value)
    await session.flush()
    was, now = shown(before, names), shown(rule, names)
    changed = [member for member in now if was[member] != now[member]]
    details = {
        "rule": rule.name,
        "before": {one: was[one] for one in changed},
        "after": {one: now[one] for one in changed},
    }
    await record_change(session, by, f"policy:{rule.kind}_changed", rule.id, details)
    return replace(rule, version=row.version)


async def remove(session: AsyncSession, by: Caller, name: str) -> Rule:
    """Remove a rule, or end a freeze. Raises NotFound, StateConflict (it is built in)."""
    await require_role(session, by, "admin")
    row, before = await _own(session, name)
    names = await read_names(session)
    await session.execute(delete(PolicyRule).where(PolicyRule.id == row.id))
    await record_change(session, by, f"policy:{before.kind}_removed", before.id, {"before": shown(before, names)})
    return before


async def freeze(session: AsyncSession, by: Caller, given: Given, now: Now = system_now) -> Rule:
    """Hold writes back, from now on or for some hours. Without a name it is called freeze, freeze-2 and so on."""
    wanted = {"outcome": "deny", "reason": "writes are frozen", **given, "kind": "freeze"}
    if not wanted.get("name"):
        taken = {rule.name for rule in await read_own(session)}
        names = ["freeze", *(f"freeze-{number}" for number in range(2, MOST_RULES + 2))]
        wanted["name"] = next(name for name in names if name not in taken)
    return await add(session, by, wanted, now)


async def unfreeze(session: AsyncSession, by: Caller, name: str | None = None) -> Sequence[Rule]:
    """End a freeze, or all that there are. Raises NotFound, InvalidArgument (it is no freeze)."""
    if name is not None:
        rule = await find(session, name)
        if rule.kind != "freeze":
            raise InvalidArgument(f"'{rule.name}' is no freeze.", hint="Remove or disable the rule instead.")
        return [await remove(session, by, rule.name)]
    found = [rule for rule in await read_own(session) if rule.kind == "freeze"]
    if not found:
        raise NotFound("Nothing is frozen.")
    return [await remove(session, by, rule.name) for rule in found]


async def set_zone(session: AsyncSession, by: Caller, zone: str) -> str:
    """Say in which time zone the workspace's days and hours are. Raises InvalidArgument."""
    await require_role(session, by, "admin")
    checked_zone(zone)
    before = await read_zone(session)
    if zone != before:
        row = await session.scalar(select(PolicySettings).where(PolicySettings.id == SETTINGS_ID))
        if row is None:
            session.add(PolicySettings(id=SETTINGS_ID, time_zone=zone))
        else:
            row.time_zone = zone
        await session.flush()
        await record_change(session, by, "policy:zone", SETTINGS_ID, {"before": before, "after": zone})
    return zone


async def _own(session: AsyncSession, name: str) -> tuple[PolicyRule, Rule]:
    if name in {word for rule in BUILT_IN for word in (rule.id, rule.name)}:
        raise _is_built_in(name)
    statement = select(PolicyRule).where((PolicyRule.name == name) | (PolicyRule.id == name))
    row: PolicyRule | None = await session.scalar(statement.with_for_update())
    if row is None:
        raise NotFound(f"There is no rule '{name[:60]}'.", hint="Run `tradepost policy list`.")
    return row, rule_of(row)


def _is_built_in(name: str) -> StateConflict:
    return StateConflict(
        f"The rule '{name}' is built in.",
        hint="Add a rule of your own: it comes before it, and loosens it where it says so.",
    )
