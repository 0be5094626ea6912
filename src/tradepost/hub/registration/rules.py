"""An admin's say about the whole registry of a workspace (registry.rules): in force on the next call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.limits.settings import RESULT_TOKENS
from tradepost.hub.registry.models import RegistryRules
from tradepost.hub.registry.rules import ROW_ID, WHAT, Rules, checked, required_name, rules_of


@dataclass(frozen=True, slots=True)
class InForce:
    """One rule: the value that holds, whether the workspace or nobody (`default`) set it, and what it means."""

    name: str
    value: str | int
    set_by: str
    what: str


async def change(
    session: AsyncSession, by: Caller, *, given: Mapping[str, object] | None = None, dropped: Sequence[str] = ()
) -> list[InForce]:
    """Set some rules and let go of others. Returns what holds then. Raises InvalidArgument for a name or value that
    there is not; then nothing is changed."""
    await require_role(session, by, "admin")
    wanted = {name: checked(name, value) for name, value in (given or {}).items()}
    for name in dropped:
        required_name(name)
    row = await _row(session)
    before = dict(row.settings) if row is not None else {}
    after = {name: value for name, value in {**before, **wanted}.items() if name not in dropped}
    if after != before:
        if row is None:
            session.add(RegistryRules(id=ROW_ID, settings=after))
        else:
            row.settings = after
        await record_change(session, by, "registry:rules", ROW_ID, {"before": before, "after": after})
    return await in_force(session)


async def in_force(session: AsyncSession) -> list[InForce]:
    """What holds, in the order of the names."""
    row = await _row(session)
    stored = row.settings if row is not None else {}
    rules = rules_of(stored)
    return [
        InForce(name, _value(rules, name), "workspace" if name in stored else "default", what)
        for name, what in WHAT.items()
    ]


def _value(rules: Rules, name: str) -> str | int:
    if name == "result_tokens" and rules.result_tokens is None:
        return RESULT_TOKENS
    value: str | int = getattr(rules, name)
    return value


async def _row(session: AsyncSession) -> RegistryRules | None:
    row: RegistryRules | None = await session.scalar(select(RegistryRules).where(RegistryRules.id == ROW_ID))
    return row
