"""An action as a person judges it, beside what the view says: every argument as text with nothing hidden in it, what is
odd about it, and how much like it was asked lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.untrusted import with_hidden_shown
from tradepost.hub.access.models import Agent, User
from tradepost.hub.actions.foreseen import Foreseen, foreseen_in
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.shapes import differing, likeness_of, shape_of
from tradepost.hub.actions.views import DRY_RUN, ActionView
from tradepost.hub.policy.models import PolicyRule

WITHIN = timedelta(minutes=10)
MOST_LOOKED_AT = 200
LONG = 500  # characters of a text: whoever judges it shall know that it goes on
_WORDS = frozenset("reason note notes message comment description text body summary subject title".split())


@dataclass(frozen=True, slots=True)
class Card:
    """`arguments` are pairs of path and text. `words` are the paths of texts in the asker's own words: second-hand.
    `on_behalf_of` names the people whose rights were used and who asked, by id; `asker` is the agent, else the person,
    else the key. `reason` is why a person is asked, with the workspace's rule that says so, where it is one. `foreseen`
    is the preview."""

    arguments: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    warnings: tuple[str, ...]
    shape: str
    on_behalf_of: dict[str, str]
    asker: str
    reason: str
    foreseen: Foreseen


async def cards_of(session: AsyncSession, views: Sequence[ActionView]) -> list[Card]:
    """The cards of some actions, in their order."""
    actions = await _actions(session, views)
    names = await _names(session, views)
    agents = await _agents(session, views)
    rules = await _rules(session, views)
    found = []
    for one in views:
        asker = agents.get(one.agent_id or "") or names.get(one.user_id or "") or one.principal_id
        reason = _reason(one, rules)
        found.append(_card(one, actions[one.id], names, asker, reason, await _like(session, actions[one.id])))
    return found


def in_lines(arguments: Any) -> list[tuple[str, str]]:
    """All arguments, nested ones by their path, whole; what cannot be seen is written out."""
    return [(with_hidden_shown(path), _text(value)) for path, value in _leaves(arguments)]


def hidden_in(arguments: Any) -> list[str]:
    """The paths at which there is something that cannot be seen, in a name or in a value."""
    return [
        with_hidden_shown(path)
        for path, value in _leaves(arguments)
        if with_hidden_shown(path) != path or (isinstance(value, str) and with_hidden_shown(value) != value)
    ]


def _card(
    shown: ActionView, action: Action, names: dict[str, str], asker: str, reason: str, like: list[Action]
) -> Card:
    lines = in_lines(shown.arguments)
    warnings = [
        f"{path or 'The arguments'} has characters that cannot be seen: they are written out as \\u{{…}}."
        for path in hidden_in(shown.arguments)
    ]
    warnings += [f"{path} is long ({len(value)} characters): read it to its end." for path, value in lines
                 if len(value) > LONG]  # fmt: skip
    tried = (shown.preview or {}).get(DRY_RUN)
    if tried is not None:
        how = "failed" if tried["failed"] else "says, and nobody has checked it"
        warnings.append(f"A dry run at the server {shown.server} {how}: {tried['said']}")
    if len(like) > 1:
        odd = differing(like)
        differ = f"; these differ: {', '.join(map(with_hidden_shown, odd))}" if odd else ", all but references the same"
        warnings.append(f"{len(like)} similar requests of this agent within 10 minutes{differ}.")
    if shown.taint is not None:
        warnings[:0] = [_read_before(shown.taint), *_signal(shown.taint)]
    words = tuple(path for path, _ in lines if path.rpartition(".")[2].partition("[")[0] in _WORDS)
    seen = foreseen_in(shown.preview)
    return Card(tuple(lines), words, tuple(warnings), shape_of(action), names, asker, reason, seen)


def _reason(shown: ActionView, rules: dict[str, str]) -> str:
    """The built-in rules have no row and say all in their reason; so does a rule that was removed meanwhile."""
    said = with_hidden_shown(shown.decision_reason)
    name = rules.get(shown.rule_id or "")
    return said if name is None else f"{said} (rule '{with_hidden_shown(name)}')"


def _read_before(taint: dict[str, Any]) -> str:
    source = f"{with_hidden_shown(taint['tool'])} of {taint['server']}, {taint['at']}"
    return f"Its run had read text that outsiders wrote ({taint['what']}, from {source}): is this what was wanted?"


def _signal(taint: dict[str, Any]) -> list[str]:
    """What the detector said of what the run had read: a hint where to look, no proof of anything."""
    said = taint.get("signal")
    if said is None:
        return []
    if said["level"] == "none":
        return ["Some of what it read was too long to be looked through."]
    sure = "very much like" if said["level"] == "likely" else "like"
    source = f"{with_hidden_shown(said['tool'])} of {said['server']}, {said['at']}"
    return [f"What it read looks {sure} instructions to a model ({source}): {'; '.join(said['reasons'])}."]


async def _like(session: AsyncSession, action: Action) -> list[Action]:
    """Those that are like it and were asked about shortly before or after it, itself among them."""
    near = (
        select(Action)
        .where(
            Action.state.in_(("pending", "approved", "executing", "succeeded", "rejected")),
            Action.created_at.between(action.created_at - WITHIN, action.created_at + WITHIN),
            Action.tool_entry_id == action.tool_entry_id,
            Action.decision == "ask",
            Action.agent_id == action.agent_id if action.agent_id else Action.principal_id == action.principal_id,
        )
        .order_by(Action.created_at)
        .limit(MOST_LOOKED_AT)
    )
    mine = likeness_of(action)
    return [one for one in await session.scalars(near) if likeness_of(one) == mine]


async def _actions(session: AsyncSession, views: Sequence[ActionView]) -> dict[str, Action]:
    rows = await session.scalars(select(Action).where(Action.id.in_([one.id for one in views])))
    return {row.id: row for row in rows}


async def _names(session: AsyncSession, views: Sequence[ActionView]) -> dict[str, str]:
    ids = {said.on_behalf_of for one in views for said in one.verdicts if said.on_behalf_of is not None}
    ids |= {one.user_id for one in views if one.user_id is not None}
    if not ids:
        return {}
    rows = await session.scalars(select(User).where(User.id.in_(ids)))
    return {row.id: row.name for row in rows}


async def _agents(session: AsyncSession, views: Sequence[ActionView]) -> dict[str, str]:
    rows = await session.scalars(select(Agent).where(Agent.id.in_({one.agent_id for one in views if one.agent_id})))
    return {row.id: row.slug for row in rows}


async def _rules(session: AsyncSession, views: Sequence[ActionView]) -> dict[str, str]:
    ids = {one.rule_id for one in views if one.rule_id is not None}
    if not ids:
        return {}
    return {row.id: row.name for row in await session.scalars(select(PolicyRule).where(PolicyRule.id.in_(ids)))}


def _leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [leaf for name, one in value.items() for leaf in _leaves(one, f"{path}.{name}" if path else name)]
    if isinstance(value, list) and value:
        return [leaf for place, one in enumerate(value) for leaf in _leaves(one, f"{path}[{place}]")]
    return [] if path == "" and value == {} else [(path, value)]


def _text(value: Any) -> str:
    return with_hidden_shown(value) if isinstance(value, str) else orjson.dumps(value).decode()
