"""Rules between what people write (names, plain members) and what is kept (ids, checked values)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, get_args

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import Agent, Profile
from tradepost.hub.policy.expression import compiled
from tradepost.hub.policy.rule import ORDER, Approver, Outcome, Rule, RuleClass
from tradepost.hub.policy.window import window_of
from tradepost.hub.registry.models import Server, ToolEntry

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
MAX_REASON = 300
MAX_PATTERN = 128
MAX_ORDER = 1_000_000
LONGEST_MINUTES = 30 * 24 * 60
_PATTERN = re.compile(r"[A-Za-z0-9_.*?\[\]!-]+")

# What people say of a rule, and what it is where they say nothing.
USUAL: Mapping[str, Any] = {
    "kind": "rule",
    "outcome": None,
    "reason": "",
    "when": None,
    "profile": None,
    "agent": None,
    "server": None,
    "tool": None,
    "class": None,
    "order": ORDER,
    "enabled": True,
    "approvals": 1,
    "expires_minutes": None,
    "caller_may_confirm": False,
    "approver_role": None,
    "loosens": False,
    "window": None,
}


@dataclass(frozen=True, slots=True)
class Names:
    """Short names of the workspace's profiles and agents, by id."""

    profiles: Mapping[str, str]
    agents: Mapping[str, str]

    def profile_id(self, slug: str) -> str:
        """Raises NotFound."""
        return _found(self.profiles, slug, "profile")

    def agent_id(self, slug: str) -> str:
        """Raises NotFound."""
        return _found(self.agents, slug, "agent")


async def read_names(session: AsyncSession) -> Names:
    """The names of the session's workspace."""
    profiles = await session.execute(select(Profile.id, Profile.slug))
    agents = await session.execute(select(Agent.id, Agent.slug))
    return Names({row[0]: row[1] for row in profiles}, {row[0]: row[1] for row in agents})


async def about_nothing(session: AsyncSession, rule: Rule) -> str | None:
    """A sentence where no tool that there is now fits the rule's names: it may come later, or be a typing mistake."""
    if rule.server is None and rule.tool is None:
        return None
    statement = select(Server.slug, ToolEntry.name).join(Server, ToolEntry.server_id == Server.id)
    for server, tool in await session.execute(statement):
        if fnmatchcase(server, rule.server or "*") and fnmatchcase(tool, rule.tool or "*"):
            return None
    named = " ".join(f"{name} '{one}'" for name, one in (("server", rule.server), ("tool", rule.tool)) if one)
    return f"there is no {named} now, so the rule '{rule.name}' holds for nothing until there is."


def shown(rule: Rule, names: Names) -> dict[str, Any]:
    """A rule as people read and write it, with nothing left out."""
    return {
        "name": rule.name,
        "kind": rule.kind,
        "outcome": rule.outcome,
        "reason": rule.reason,
        "when": rule.when,
        "profile": names.profiles.get(rule.profile_id or ""),
        "agent": names.agents.get(rule.agent_id or ""),
        "server": rule.server,
        "tool": rule.tool,
        "class": rule.tool_class,
        "order": rule.order,
        "enabled": rule.enabled,
        "approvals": rule.approvals,
        "expires_minutes": None if rule.expires_in is None else int(rule.expires_in.total_seconds()) // 60,
        "caller_may_confirm": rule.caller_may_confirm,
        "approver_role": rule.approver_role,
        "loosens": rule.loosens,
        "window": None if rule.window is None else rule.window.as_stored(),
    }


def rule_from(given: Mapping[str, Any], names: Names, before: Rule | None = None) -> Rule:
    """The rule that somebody describes; of an existing one only what they say changes. Raises InvalidArgument, or
    NotFound for a profile or agent that is not there."""
    for member in given:
        if member != "name" and member not in USUAL:
            raise InvalidArgument(f"A rule has no '{str(member)[:40]}'.", hint=f"It has name, {', '.join(USUAL)}.")
    start = {**USUAL, "name": ""} if before is None else shown(before, names)
    said = {**start, **given}
    if said["profile"] and said["agent"]:
        raise InvalidArgument("A rule is narrowed to a profile or to an agent, not to both.", field="agent")
    expires = _number(said["expires_minutes"], "expires_minutes", 1, LONGEST_MINUTES)
    role = said["approver_role"]
    rule = Rule(
        id=new_id("pol") if before is None else before.id,
        version=1 if before is None else before.version,
        name=checked_name(said["name"]),
        kind=_one_of(said["kind"], "kind", ("rule", "freeze")),
        outcome=_one_of(said["outcome"], "outcome", get_args(Outcome)),
        reason=_reason(said["reason"]),
        when=_condition(said["when"]),
        profile_id=names.profile_id(said["profile"]) if said["profile"] else None,
        agent_id=names.agent_id(said["agent"]) if said["agent"] else None,
        server=_pattern(said["server"], "server"),
        tool=_pattern(said["tool"], "tool"),
        tool_class=_one_of(said["class"], "class", get_args(RuleClass)) if said["class"] else None,
        order=_number(said["order"], "order", 0, MAX_ORDER) or 0,
        enabled=_yes(said["enabled"], "enabled"),
        approvals=_number(said["approvals"], "approvals", 1, 2) or 1,
        expires_in=None if expires is None else timedelta(minutes=expires),
        caller_may_confirm=_yes(said["caller_may_confirm"], "caller_may_confirm"),
        approver_role=_one_of(role, "approver_role", get_args(Approver)) if role else None,
        loosens=_yes(said["loosens"], "loosens"),
        window=window_of(said["window"]),
    )
    return _sensible(rule)


def frozen(rule: Rule, begins: datetime) -> Rule:
    """A freeze that has no hours begins now."""
    window = window_of({"from": begins}) if rule.window is None else rule.window
    return replace(rule, window=window)


def checked_name(name: Any) -> str:
    """The name of a rule. Raises InvalidArgument."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidArgument(
            f"'{str(name)[:60]}' is no name of a rule.",
            hint="Lower-case letters, digits, dots and dashes, at most 60: big-refunds.",
            field="name",
        )
    return name


def _sensible(rule: Rule) -> Rule:
    of_asking = rule.approvals > 1 or rule.caller_may_confirm or rule.approver_role or rule.expires_in is not None
    if rule.outcome != "ask" and of_asking:
        raise InvalidArgument(
            "Approvals, who gives them, their expiry and the caller's own yes belong to rules that ask.",
            field="outcome",
        )
    if rule.approvals > 1 and rule.caller_may_confirm:
        raise InvalidArgument("Where two people are asked, the caller cannot say yes alone.", field="approvals")
    if rule.tool_class == "read" and rule.outcome == "ask":
        raise InvalidArgument("Nobody can be asked about reading.", hint="Allow or deny it.", field="outcome")
    if rule.kind == "freeze" and (rule.outcome == "allow" or rule.loosens):
        raise InvalidArgument("A freeze denies or asks.", field="outcome")
    if rule.outcome == "allow" and rule.when and rule.tool is None and _names_only_signal(rule.when):
        raise InvalidArgument(
            "The detector misses things, so what it says alone allows nothing.",
            hint="Name the tool, or say in the condition what is harmless: args.quantity <= 2.",
            field="when",
        )
    return rule


def _names_only_signal(when: str) -> bool:
    names = compiled(when).names
    return "signal" in names and names <= {"signal", "tainted"}


def _reason(text: Any) -> str:
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_REASON or not text.isprintable():
        raise InvalidArgument(
            f"A rule says why it is there, in one line of at most {MAX_REASON} characters.",
            hint='For example "refunds over 200.00 need two people".',
            field="reason",
        )
    return text.strip().rstrip(".")


def _condition(text: Any) -> str | None:
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise InvalidArgument("A condition is text in CEL.", field="when")
    return compiled(text).source


def _pattern(text: Any, field: str) -> str | None:
    if text is None or text == "":
        return None
    if not isinstance(text, str) or len(text) > MAX_PATTERN or not _PATTERN.fullmatch(text):
        raise InvalidArgument(
            f"'{str(text)[:60]}' is no {field}.", hint=f"Its name, or a pattern: *_{field} or get_*.", field=field
        )
    return text


def _one_of(value: Any, field: str, choices: tuple[str, ...]) -> Any:
    if value not in choices:
        raise InvalidArgument(
            f"'{str(value)[:40]}' is no {field} of a rule.", hint=f"It is {', '.join(choices)}.", field=field
        )
    return value


def _number(value: Any, field: str, least: int, most: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidArgument(
            f"'{str(value)[:40]}' is no {field}.", hint=f"A whole number from {least} to {most}.", field=field
        )
    return value


def _yes(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidArgument(f"'{field}' is true or false.", field=field)
    return value


def _found(named: Mapping[str, str], slug: str, kind: str) -> str:
    for id_, name in named.items():
        if slug in (name, id_):
            return id_
    raise NotFound(f"There is no {kind} '{str(slug)[:60]}'.", hint=f"Run `tradepost {kind} list`.")
