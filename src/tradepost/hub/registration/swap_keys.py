"""Keys that were narrowed to scopes of a server, when another server takes its tools over: who could call a tool before
can call it afterwards. What that added to a key is kept with the swap, and goes with it.

Tokens of OAuth clients stay as people granted them: such a client is told which scope it lacks, and asks for it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Agent, ApiKey, ShopperSession
from tradepost.hub.access.scopes import needed_scope, server_scope
from tradepost.hub.registry.models import Assignment, Server, ToolEntry

Key = ApiKey | ShopperSession
Steps = set[tuple[str | None, str]]  # the scope that was needed, None for none, and the one that is needed now


async def follow_swap(
    session: AsyncSession,
    by: Caller,
    servers: tuple[Server, Server],
    pairs: Sequence[tuple[ToolEntry, ToolEntry | None]],
    assignments: Sequence[Assignment],
) -> list[list[str]]:
    """Add to narrowed keys what they need now of the new server, for assignments that are still at the old one's
    tools. Returns what was added: [key, scope] each."""
    steps = {one.id: _steps(servers, one, other) for one, other in pairs if other is not None}
    by_agent: dict[str, Steps] = defaultdict(set)
    by_profile: dict[str, Steps] = defaultdict(set)
    for row in assignments:
        if row.agent_id is not None:
            by_agent[row.agent_id] |= steps[row.tool_entry_id]
        else:
            by_profile[row.profile_id or ""] |= steps[row.tool_entry_id]
    agents = await session.scalars(select(Agent).where(or_(Agent.id.in_(by_agent), Agent.profile_id.in_(by_profile))))
    found = {agent.id: by_agent.get(agent.id, set()) | by_profile.get(agent.profile_id, set()) for agent in agents}
    added: list[list[str]] = []
    steps_of = {**by_profile, **found}
    for key in await _keys(session, steps_of.keys()):
        held = frozenset(key.scopes or ())
        given = {now for before, now in steps_of[_holder(key)] if before is None or before in held} - held
        added += [[key.id, scope] for scope in sorted(given)]
        await _set(session, by, key, held | given)
    return added


async def take_back(session: AsyncSession, by: Caller, added: Iterable[Sequence[str]]) -> None:
    """Take from keys what a swap added to them."""
    of_key: dict[str, set[str]] = defaultdict(set)
    for key_id, scope in added:
        of_key[key_id].add(scope)
    keys = await session.scalars(select(ApiKey).where(ApiKey.id.in_(of_key)).order_by(ApiKey.id))
    sessions = await session.scalars(
        select(ShopperSession).where(ShopperSession.id.in_(of_key)).order_by(ShopperSession.id)
    )
    for key in (*keys, *sessions):
        await _set(session, by, key, frozenset(key.scopes or ()) - of_key[key.id])


async def _keys(session: AsyncSession, holders: Collection[str]) -> list[Key]:
    """Those that are narrowed, of agents and of profiles."""
    whose = or_(ApiKey.agent_id.in_(holders), ApiKey.profile_id.in_(holders))
    keys = await session.scalars(select(ApiKey).where(whose, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id))
    sessions = await session.scalars(
        select(ShopperSession)
        .where(ShopperSession.profile_id.in_(holders), ShopperSession.revoked_at.is_(None))
        .order_by(ShopperSession.id)
    )
    return [key for key in (*keys, *sessions) if key.scopes]


def _holder(key: Key) -> str:
    return (key.agent_id if isinstance(key, ApiKey) else None) or key.profile_id or ""


def _steps(servers: tuple[Server, Server], one: ToolEntry, other: ToolEntry) -> Steps:
    old, new = servers
    now = needed_scope(other.scope, new.slug, new.kind, other.tool_class)
    found: Steps = set()
    if now is not None:
        found.add((needed_scope(one.scope, old.slug, old.kind, one.tool_class), now))
    if old.kind != "builtin" and new.kind != "builtin":  # what it shows beside its tools
        found.add((server_scope(old.slug, "read"), server_scope(new.slug, "read")))
    return found


async def _set(session: AsyncSession, by: Caller, key: Key, scopes: frozenset[str]) -> None:
    before, wanted = sorted(key.scopes or ()), sorted(scopes)
    if wanted != before:
        key.scopes = wanted
        await record_change(session, by, "key:scopes", key.id, {"before": before, "after": wanted})
