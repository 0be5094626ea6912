"""What a workspace says about personal data in the results that a profile's agents get: which kinds are masked or left
out, and from which role on the person behind a call sees them all the same.

Nothing is said as a rule: bundled tools mask e-mail addresses, phone numbers and streets by scope themselves
(`read:customers.pii`). A rule here takes away, whatever the scopes and whichever server; it never gives.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.agents import find_profile
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Profile, Role
from tradepost.hub.access.roles import at_least, require_role

Show = Literal["masked", "left_out"]
SHOWS: tuple[str, ...] = get_args(Show)
NAMED = "field:"
MOST_RULES = 100
_NAME = re.compile(r"[^\x00-\x20]{1,64}")

KINDS: Mapping[str, str] = {
    "email": "E-mail addresses, wherever they stand.",
    "phone": "Telephone numbers.",
    "address": "Streets, house numbers and postal codes; city and country stay.",
    "name": "Names of persons.",
    "other": "Birth dates, numbers of identity papers, accounts and cards, positions.",
    f"{NAMED}NAME": "Fields of this name.",
}
_KNOWN = frozenset(one for one in KINDS if not one.startswith(NAMED))


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What becomes of one kind of field. `but_for`: the role from which on the person behind a call sees it."""

    kind: str
    show: Show
    but_for: Role | None = None

    def as_stored(self) -> dict[str, Any]:
        """What stands in a profile, under the kind."""
        return {"show": self.show, **({} if self.but_for is None else {"but_for": self.but_for})}


@dataclass(frozen=True, slots=True)
class FieldRules:
    """What holds for one caller: by kind, and by name in small letters."""

    profile: str
    kinds: Mapping[str, Show]
    names: Mapping[str, Show]


def rules_for(profile: str, stored: Mapping[str, Any] | None, role: str | None) -> FieldRules | None:
    """What holds for a caller of a profile with a person of this role behind it; None where nothing does, as mostly."""
    if not stored:
        return None
    held = [rule for rule in rules_in(stored) if not _sees(role, rule.but_for)]
    if not held:
        return None
    return FieldRules(
        profile,
        {rule.kind: rule.show for rule in held if not rule.kind.startswith(NAMED)},
        {rule.kind.removeprefix(NAMED).lower(): rule.show for rule in held if rule.kind.startswith(NAMED)},
    )


def _sees(role: str | None, but_for: Role | None) -> bool:
    return role is not None and but_for is not None and at_least(role, but_for)


def rules_in(stored: Mapping[str, Any]) -> list[FieldRule]:
    """As they stand in a profile, by kind."""
    return [
        FieldRule(kind, cast(Show, rule["show"]), cast("Role | None", rule.get("but_for")))
        for kind, rule in sorted(stored.items())
    ]


async def change_fields(
    session: AsyncSession, by: Caller, profile: str, *, given: Sequence[FieldRule] = (), dropped: Sequence[str] = ()
) -> Profile:
    """Set some rules of a profile and let go of others. In force on the next call. Raises InvalidArgument; then nothing
    is changed."""
    await require_role(session, by, "admin")
    for rule in given:
        _check(rule)
    for kind in dropped:
        _check_kind(kind)
    found = await find_profile(session, profile)
    before = dict(found.fields)
    after = {kind: rule for kind, rule in before.items() if kind not in dropped}
    for rule in given:
        after[rule.kind] = rule.as_stored()
    checked_number_of_fields(after)
    if after != before:
        found.fields = after
        await record_change(session, by, "profile:fields", found.id, {"before": before, "after": after})
    return found


def checked_rule_of_fields(kind: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as it stands in a profile. Raises InvalidArgument for one that makes no sense."""
    for member in said.keys() - {"show", "but_for"}:
        raise InvalidArgument(
            f"There is no member '{str(member)[:40]}' here.", hint="There are: show, but_for.", field="fields"
        )
    rule = FieldRule(kind, cast(Show, said.get("show")), cast("Role | None", said.get("but_for")))
    _check(rule)
    return rule.as_stored()


def checked_number_of_fields(rules: Mapping[str, Any]) -> None:
    """Raises InvalidArgument where a profile would have too many."""
    if len(rules) > MOST_RULES:
        raise InvalidArgument(f"A profile has at most {MOST_RULES} rules about fields.", field="kind")


def _check(rule: FieldRule) -> None:
    _check_kind(rule.kind)
    if rule.show not in SHOWS:
        raise InvalidArgument(
            f"'{str(rule.show)[:40]}' is nothing that becomes of a field.",
            hint=f"Say {' or '.join(SHOWS)}.",
            field="show",
        )
    if rule.but_for is not None and rule.but_for not in get_args(Role):
        raise InvalidArgument(
            f"'{str(rule.but_for)[:40]}' is no role.", hint=f"Use one of {', '.join(get_args(Role))}.", field="but_for"
        )


def _check_kind(kind: str) -> None:
    named = kind.removeprefix(NAMED)
    if kind not in _KNOWN and (named == kind or not _NAME.fullmatch(named)):
        raise InvalidArgument(
            f"'{kind[:60]}' is no kind of field.", hint=f"There are: {', '.join(KINDS)}.", field="kind"
        )
