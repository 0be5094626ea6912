"""Rules for what agents may do, in a configuration: checked, compared and brought to what a file says."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.hub.policy.built_in import BUILT_IN
from tradepost.hub.registration.configuration.document import Document, PolicyPart
from tradepost.hub.registration.configuration.plan import Change
from tradepost.hub.registration.configuration.reading import Path, Read
from tradepost.hub.registration.configuration.rows import Rows
from tradepost.hub.registration.policies import rules
from tradepost.hub.registration.policies.drafts import Names, rule_from, shown


class Policies(NamedTuple):
    """Rules that are new or change, and those that go."""

    changes: list[Change]
    gone: list[Change]


def names_in(rows: Rows) -> Names:
    """The short names of profiles and agents."""
    profiles = {row.id: slug for slug, row in rows.profiles.items()}
    return Names(profiles, {row.id: slug for slug, row in rows.agents.items()})


def checked_policy(part: PolicyPart) -> PolicyPart:
    """A rule in the form in which it is kept. Raises InvalidArgument for one that makes no sense by itself."""
    said = _said(part)
    named = Names({part.profile or "": part.profile or ""}, {part.agent or "": part.agent or ""})
    kept = shown(rule_from(said, named), named)
    return part.model_copy(update={name: kept[name] for name in ("reason", "when", "window") if part.says(name)})


def compare_policies(read: Read, wanted: Document, current: Document, rows: Rows, *, prune: bool) -> Policies:
    """What differs. Raises InvalidArgument for a profile or agent that neither the hub nor the file has."""
    there = {part.name: part for part in current.policies}
    profiles = {*rows.profiles, *(one.slug for one in wanted.profiles)}
    agents = {*rows.agents, *(one.slug for one in wanted.agents)}
    found = Policies([], [])
    for number, part in enumerate(wanted.policies):
        path: Path = ("policies", number)
        if part.name in {rule.name for rule in BUILT_IN}:
            raise read.wrong((*path, "name"), f"The rule '{part.name}' is built in.")
        for member, name, known in (("profile", part.profile, profiles), ("agent", part.agent, agents)):
            if name is not None and name not in known:
                raise read.wrong((*path, member), f"There is no {member} '{name[:60]}'.")
        now = there.get(part.name)
        if now is not None and now.kind != part.kind:
            raise read.wrong((*path, "kind"), f"'{part.name}' is a {now.kind} in this hub.", "Choose another name.")
        differing = _differing(part, now)
        if now is None or differing:
            action: Any = "create" if now is None else "change"
            found.changes.append(Change(action, "policy", part.name, (part.name,), differing, None, part, path))
    if prune and wanted.says("policies"):
        kept = {part.name for part in wanted.policies}
        found.gone.extend(
            Change("remove", "policy", name, (name,), {"outcome": (part.outcome, None)})
            for name, part in sorted(there.items())
            if name not in kept
        )
    return found


async def apply_policy(session: AsyncSession, by: Caller, change: Change) -> None:
    """Do what a plan says of one rule."""
    (name,) = change.key
    if change.action == "remove":
        await rules.remove(session, by, name)
    elif change.action == "create":
        await rules.add(session, by, _said(change.part(PolicyPart)))
    else:
        await rules.change(session, by, name, {member: after for member, (_, after) in change.members.items()})


def _said(part: PolicyPart) -> dict[str, Any]:
    return part.model_dump(by_alias=True, exclude_unset=True)


def _differing(part: PolicyPart, now: PolicyPart | None) -> Mapping[str, tuple[Any, Any]]:
    before = now.model_dump(by_alias=True) if now is not None else {}
    said = {member: value for member, value in _said(part).items() if member != "name"}
    return {member: (before.get(member), value) for member, value in said.items() if before.get(member) != value}
