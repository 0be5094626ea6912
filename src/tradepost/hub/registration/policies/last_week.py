"""What a change of policy would have meant: the writes of the last week, decided by the rules as they are and as they
would be. Both see the same calls in the same order, with the totals that the writes themselves add up to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.clock import to_rfc3339
from tradepost.hub.access.models import Agent, Profile, User
from tradepost.hub.actions.models import Action
from tradepost.hub.policy.built_in import BUILT_IN
from tradepost.hub.policy.decide import PlainCall, decide
from tradepost.hub.policy.figures import KEY, NOTHING_KNOWN, Figures, declared_of, figures_of_effect
from tradepost.hub.policy.rule import Rule
from tradepost.hub.policy.ruleset import Ruleset
from tradepost.hub.policy.stored import read_own, read_zone
from tradepost.hub.policy.totals import Usage, values_of
from tradepost.hub.registration.policies.trying import in_a_word
from tradepost.hub.registry.models import Server, ToolEntry

DAYS = 7
MOST_ACTIONS = 10_000
_CARRIED_OUT = ("executing", "succeeded", "unknown")


@dataclass(frozen=True, slots=True)
class Difference:
    """A write that would be decided differently now. `gone`: its tool is no longer there."""

    action_id: str
    at: str
    agent: str | None
    tool: str
    before: str
    after: str
    rule: str | None
    reason: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many writes were looked at, and those that differ. `more`: there were more than are looked at. `gone` are the
    tools ("tracker.ship") that writes were looked at of and that are no longer there: they are taken for what was kept
    of them with the write."""

    looked_at: int
    more: bool
    differences: tuple[Difference, ...]
    gone: tuple[str, ...] = ()


async def compare(
    session: AsyncSession, changed: Iterable[Rule], now: datetime, *, without: str | None = None
) -> Comparison:
    """The writes of the last days by the present rules, and by those with others in place of the ones of the same id,
    or `without` one."""
    own, zone = await read_own(session), await read_zone(session)
    instead = {rule.id: rule for rule in changed}
    after = [rule for rule in own if rule.id not in instead and rule.id != without]
    rules = Ruleset([*own, *BUILT_IN], zone), Ruleset([*after, *instead.values(), *BUILT_IN], zone)
    since = now - timedelta(days=DAYS)
    statement = select(Action).where(Action.created_at >= since).order_by(Action.created_at.desc(), Action.id)
    rows = list(await session.scalars(statement.limit(MOST_ACTIONS + 1)))
    more, actions = len(rows) > MOST_ACTIONS, rows[:MOST_ACTIONS][::-1]
    entries = {row.id: row for row in await session.scalars(select(ToolEntry))}
    calls = await _calls(session, actions, entries)
    names = {rule.id: rule.name for rule in rules[1].rules}
    kept: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    found = []
    for action, call in zip(actions, calls, strict=True):
        totals = _totals(rules, action, call, kept)
        was, is_ = (decide(call, ruleset, totals) for ruleset in rules)
        if in_a_word(was) == in_a_word(is_):
            continue
        rule = names.get(is_.rule_id or "")
        words = (in_a_word(was), in_a_word(is_), rule, is_.reason)
        gone = action.tool_entry_id not in entries
        at = to_rfc3339(action.created_at)
        found.append(Difference(action.id, at, action.agent_id, action.tool_name, *words, gone=gone))
    missing = {f"{one.server_slug}.{one.tool_name}" for one in actions if one.tool_entry_id not in entries}
    return Comparison(len(actions), more, tuple(found), tuple(sorted(missing)))


def _totals(
    rules: tuple[Ruleset, Ruleset], action: Action, call: PlainCall, kept: dict[str, list[int]]
) -> dict[str, int]:
    """Today's totals as they stood when the call came, with the call in them."""
    wanted = {total for ruleset in rules for total in _every(ruleset, call)}
    day = rules[1].local(call.now).date().isoformat()
    usage = Usage(day, call.tool, action.agent_id or action.principal_id, call.figures)
    rows = {row for total in wanted if (row := usage.row(total)) is not None}
    with_it = {row: [a + b for a, b in zip(kept[row], usage.amounts(row), strict=True)] for row in rows}
    if action.state in _CARRIED_OUT:
        kept.update(with_it)
    return values_of(usage, wanted, with_it)


def _every(ruleset: Ruleset, call: PlainCall) -> frozenset[str]:
    chosen = ruleset.chosen(call.target)
    return chosen.totals | chosen.counted


async def _calls(session: AsyncSession, actions: list[Action], entries: Mapping[str, ToolEntry]) -> list[PlainCall]:
    servers = {row.id: row for row in await session.scalars(select(Server))}
    profiles = {row.id: row for row in await session.scalars(select(Profile))}
    agents = {row.id: row for row in await session.scalars(select(Agent))}
    roles = {row.id: row.role for row in await session.scalars(select(User))}
    found = []
    for action in actions:
        agent = agents.get(action.agent_id or "")
        profile = profiles.get(agent.profile_id if agent is not None else action.profile_id or "")
        entry, server = entries.get(action.tool_entry_id), servers.get(action.server_id)
        posture = profile.posture if profile is not None else None
        found.append(_call(action, entry, server, posture, roles.get(action.user_id or "")))
    return found


def _call(action: Action, entry: ToolEntry | None, server: Server | None, posture: Any, role: str | None) -> PlainCall:
    arguments: dict[str, Any] = orjson.loads(action.arguments)
    bundled = server is not None and server.kind == "builtin"
    effect = _effect(action) if bundled else None
    declared = declared_of(entry.settings.get(KEY)) if entry is not None else None
    figures = NOTHING_KNOWN if declared is None else declared.figures(arguments)
    if entry is None:
        figures = _taken(action)
    if bundled:
        figures = figures_of_effect(arguments, effect)
    tool_class: Any = entry.tool_class if entry is not None else action.tool_class
    signal = (action.taint or {}).get("signal") or {}
    return PlainCall(
        tool=action.tool_name,
        tool_class=tool_class,
        moves_money=entry.moves_money if entry is not None else action.moves_money,
        scope=entry.scope if entry is not None else None,
        posture=posture,
        arguments=arguments,
        server=action.server_slug,
        bundled=bundled,
        agent_id=action.agent_id,
        profile_id=action.profile_id,
        principal_kind=action.principal_kind,
        scopes=frozenset(action.caller.get("scopes", ())),
        attributes=action.caller.get("attributes", {}),
        role=role,
        tainted=action.taint is not None,
        sends="it took there what it knew" if tool_class == "read" else "",
        signal=signal.get("level", "none"),
        signal_kinds=tuple(signal.get("kinds", ())),
        figures=figures,
        effect=effect,
        now=action.created_at,
    )


def _effect(action: Action) -> Mapping[str, Any] | None:
    """What a bundled write did, as its result says; what it would have done is not kept."""
    if action.state != "succeeded" or action.result is None:
        return None
    said = orjson.loads(action.result).get("structuredContent")
    return said if isinstance(said, dict) else None


def _taken(action: Action) -> Figures:
    """What is known in numbers of a write whose tool is gone, and with it what said where they stand: what totals
    counted of it."""
    amount = currency = quantity = customer = None
    for row, (money, _, pieces) in (action.totals_taken or {}).items():
        _, holder, _, of_currency = row.split("|")
        who, _, whom = holder.partition(":")
        if of_currency:
            amount, currency = money, of_currency
        else:
            quantity = pieces or quantity
        customer = whom if who == "customer" else customer
    return Figures(amount, currency, quantity, customer)
