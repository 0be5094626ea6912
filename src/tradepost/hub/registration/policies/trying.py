"""Trying rules out: how they would decide calls that somebody writes down in a table, and calls that were made."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import orjson
import yaml
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.clock import from_rfc3339
from tradepost.foundation.detection.kinds import KINDS, LEVELS
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.money import exponent
from tradepost.hub.access.models import Agent, Profile
from tradepost.hub.policy.decide import Ask, Decision, PlainCall, Posture, ToolClass, decide
from tradepost.hub.policy.figures import KEY, Figures, declared_of, figures_of_effect
from tradepost.hub.policy.ruleset import Ruleset
from tradepost.hub.policy.totals import Usage, alone
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.registry.outward import outward_argument, takes_there

MOST_CASES = 1_000
MAX_BYTES = 1_000_000
_MEMBERS = frozenset(
    """agent profile posture server tool class moves_money scope arguments time totals tainted signal principal role
    scopes attributes amount currency quantity customer effect expect rule note""".split()
)
_JSON = frozenset({"arguments", "totals", "attributes", "effect", "scopes"})
EXPECTED = ("allow", "ask", "ask2", "deny")


@dataclass(frozen=True, slots=True)
class Tried:
    """One line of a table: what was expected, what the rules say, and which of them decided."""

    number: int
    call: str
    expected: str | None
    decided: str
    rule: str | None
    expected_rule: str | None
    reason: str

    @property
    def as_expected(self) -> bool:
        return self.expected in (None, self.decided) and self.expected_rule in (None, self.rule)


def in_a_word(decision: Decision) -> str:
    """allow, deny, ask, or ask2 where two people are asked."""
    if isinstance(decision, Ask):
        return "ask" if decision.approvals_needed < 2 else "ask2"
    return type(decision).__name__.lower()


def read_table(text: str) -> list[dict[str, Any]]:
    """The calls of a file: a YAML list, or CSV with a line of names. Raises InvalidArgument."""
    if len(text) > MAX_BYTES:
        raise InvalidArgument(f"A table has at most {MAX_BYTES:,} characters.")
    first = text.lstrip().partition("\n")[0]
    is_csv = "," in first and not first.startswith(("-", "{", "[", "#"))
    try:
        cases: Any = list(csv.DictReader(io.StringIO(text))) if is_csv else yaml.safe_load(text)
    except (yaml.YAMLError, csv.Error, RecursionError, ValueError) as error:
        raise InvalidArgument(f"The table cannot be read: {str(error).splitlines()[0][:160]}") from None
    cases = cases.get("calls") if isinstance(cases, dict) else cases
    if not isinstance(cases, list) or not cases or len(cases) > MOST_CASES:
        raise InvalidArgument(f"A table is a list of 1 to {MOST_CASES} calls.", hint="See the how-to for an example.")
    return [_case(number, case, is_csv) for number, case in enumerate(cases, start=1)]


async def try_table(
    session: AsyncSession, rules: Ruleset, cases: Sequence[Mapping[str, Any]], now: datetime
) -> list[Tried]:
    """What the rules say of each call. Raises InvalidArgument, NotFound for what a line names wrongly."""
    known = await _known(session)
    names = {rule.id: rule.name for rule in rules.rules}
    tried = []
    for number, case in enumerate(cases, start=1):
        call = _at(number, lambda: _call(case, known, now))  # noqa: B023
        first = Usage("", call.tool, call.agent_id or "", call.figures)  # totals that are not given: of this call alone
        totals = alone(first, rules.chosen(call.target).totals) | _totals(number, case)
        decision = decide(call, rules, totals)
        whose = case.get("agent") or case.get("profile") or call.posture or "nobody"
        tried.append(
            Tried(
                number,
                str(case.get("note") or f"{whose}: {call.tool}"),
                case.get("expect") or None,
                in_a_word(decision),
                names.get(decision.rule_id or ""),
                case.get("rule") or None,
                decision.reason,
            )
        )
    return tried


@dataclass(frozen=True, slots=True)
class _Known:
    agents: Mapping[str, tuple[Agent, Profile]]
    profiles: Mapping[str, Profile]
    tools: Mapping[tuple[str | None, str], tuple[ToolEntry, Server]]


async def _known(session: AsyncSession) -> _Known:
    profiles = {row.id: row for row in await session.scalars(select(Profile))}
    agents = {row.slug: (row, profiles[row.profile_id]) for row in await session.scalars(select(Agent))}
    servers = {row.id: row for row in await session.scalars(select(Server).order_by(Server.slug))}
    tools: dict[tuple[str | None, str], tuple[ToolEntry, Server]] = {}
    for entry in await session.scalars(select(ToolEntry)):
        found = (entry, servers[entry.server_id])
        tools[found[1].slug, entry.name] = found
        tools.setdefault((None, entry.name), found)
    return _Known(agents, {row.slug: row for row in profiles.values()}, tools)


def _case(number: int, case: Any, is_csv: bool) -> dict[str, Any]:
    if not isinstance(case, dict):
        raise InvalidArgument(f"Call {number} is no object of named values.")
    found = {name: value for name, value in case.items() if value not in (None, "")}
    for name, value in found.items():
        if name not in _MEMBERS:
            raise InvalidArgument(
                f"Call {number} has '{str(name)[:40]}'.", hint=f"There is {', '.join(sorted(_MEMBERS))}."
            )
        if is_csv and (name in _JSON or value in ("true", "false")):
            try:
                found[name] = orjson.loads(value)
            except orjson.JSONDecodeError:
                raise InvalidArgument(f"Call {number}: '{name}' is no JSON.", field=name) from None
    expected = found.get("expect")
    if expected is not None and expected not in EXPECTED:
        raise InvalidArgument(f"Call {number} expects '{str(expected)[:40]}'.", hint=f"It is {', '.join(EXPECTED)}.")
    if not isinstance(found.get("tool"), str):
        raise InvalidArgument(f"Call {number} names no tool.", field="tool")
    return found


def _call(case: Mapping[str, Any], known: _Known, now: datetime) -> PlainCall:
    agent, profile = _who(case, known)
    entry, server = known.tools.get((case.get("server"), case["tool"]), (None, None))
    if entry is None and "class" not in case:
        raise NotFound(f"There is no tool '{case['tool'][:60]}'.", hint="Say its class: read, write or destructive.")
    tool_class: Any = case.get("class") or (entry.tool_class if entry is not None else "write")
    if tool_class not in get_args(ToolClass):
        raise InvalidArgument(f"'{str(tool_class)[:40]}' is no class of tools.")
    posture: Any = case.get("posture") or (profile.posture if profile is not None else None)
    if posture is not None and posture not in get_args(Posture):
        raise InvalidArgument(f"'{str(posture)[:40]}' is no posture.", hint=f"It is {', '.join(get_args(Posture))}.")
    arguments, effect = _object(case, "arguments"), _object(case, "effect") if "effect" in case else None
    bundled = server is not None and server.kind == "builtin"
    level, kinds = _signal(case)
    is_tainted = case.get("tainted") is True or level != "none"
    sends = None
    if is_tainted and tool_class == "read" and server is not None and not bundled and entry is not None:
        sends = outward_argument(orjson.loads(entry.definition).get("inputSchema"), arguments)
    return PlainCall(
        tool=case["tool"],
        tool_class=tool_class,
        moves_money=bool(case.get("moves_money", entry.moves_money if entry is not None else False)),
        scope=case.get("scope") or (entry.scope if entry is not None else None),
        posture=posture,
        arguments=arguments,
        server=server.slug if server is not None else str(case.get("server") or ""),
        bundled=bundled,
        agent_id=agent.id if agent is not None else None,
        profile_id=profile.id if profile is not None else None,
        principal_kind=str(case.get("principal") or "agent_key"),
        scopes=frozenset(map(str, case.get("scopes") or (agent.scopes if agent is not None else ()))),
        attributes=_object(case, "attributes"),
        role=case.get("role"),
        tainted=is_tainted,
        sends="" if sends is None else takes_there(sends, "elsewhere"),
        signal=level,
        signal_kinds=kinds,
        figures=_figures(case, entry, arguments, effect, bundled),
        effect=effect,
        now=_moment(case.get("time"), now),
    )


def _signal(case: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """What the detector says of the call's run: a level ("likely"), and after it kinds ("likely secrecy tool")."""
    level, *kinds = str(case.get("signal") or "none").split() or ["none"]
    if level not in LEVELS or not set(kinds) <= set(KINDS):
        raise InvalidArgument(
            f"'{str(case.get('signal'))[:40]}' is no signal.",
            hint=f"A level ({', '.join(LEVELS)}), and if need be kinds after it: {' '.join(KINDS)}.",
            field="signal",
        )
    return level, tuple(kinds)


def _who(case: Mapping[str, Any], known: _Known) -> tuple[Agent | None, Profile | None]:
    if "agent" in case:
        if case["agent"] not in known.agents:
            raise NotFound(f"There is no agent '{str(case['agent'])[:60]}'.")
        return known.agents[case["agent"]]
    if "profile" in case and case["profile"] not in known.profiles:
        raise NotFound(f"There is no profile '{str(case['profile'])[:60]}'.")
    return None, known.profiles.get(case.get("profile", ""))


def _figures(
    case: Mapping[str, Any], entry: ToolEntry | None, arguments: Mapping[str, Any], effect: Any, bundled: bool
) -> Figures:
    declared = declared_of(entry.settings.get(KEY)) if entry is not None and not bundled else None
    found = declared.figures(arguments) if declared is not None else Figures()
    if bundled:
        found = figures_of_effect(arguments, effect)
    amount, quantity = (_whole(case.get(name)) for name in ("amount", "quantity"))
    currency = str(case["currency"]) if "currency" in case else found.currency
    if currency is not None:
        exponent(currency)
    return Figures(
        found.amount if amount is None else amount,
        currency,
        found.quantity if quantity is None else quantity,
        str(case["customer"]) if "customer" in case else found.customer,
    )


def _totals(number: int, case: Mapping[str, Any]) -> dict[str, int]:
    found = _object(case, "totals")
    totals = {str(name): _whole(value) for name, value in found.items()}
    if None in totals.values():
        raise InvalidArgument(f"Call {number}: totals are whole numbers by name.", hint='{"agent.money": 24000}')
    return {name: value for name, value in totals.items() if value is not None}


def _object(case: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = case.get(name, {})
    if not isinstance(value, dict):
        raise InvalidArgument(f"'{name}' is an object of named values.", field=name)
    return value


def _whole(value: Any) -> int | None:
    try:
        return None if value is None or isinstance(value, bool) else int(str(value))
    except ValueError:
        raise InvalidArgument(f"'{str(value)[:40]}' is no whole number.") from None


def _moment(value: Any, now: datetime) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else now if value is None else from_rfc3339(str(value))
        return moment.astimezone(now.tzinfo) if moment.tzinfo is not None else moment.replace(tzinfo=now.tzinfo)
    except (ValueError, OverflowError):
        raise InvalidArgument(f"'{str(value)[:40]}' is no time.", hint="2026-11-27T09:00:00Z", field="time") from None


def _at(number: int, work: Any) -> Any:
    try:
        return work()
    except (InvalidArgument, NotFound) as error:
        raise InvalidArgument(f"Call {number}: {error.message}", hint=error.hint) from None
