"""What a workspace and its agents may use: how often, how much in a day, and which optional features.

Nobody has to set anything: what is not set has the value that stands here, and None is no limit. What holds for the
workspace is set by whoever runs the installation (it is what the plan allows); an admin sets an agent's own limits,
which can be lower than the workspace's and never go above them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.lookups import Lookup
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument
from tradepost.foundation.money import MAX_MINOR, exponent
from tradepost.hub.limits.models import WORKSPACE, LimitSettings

CALLS_PER_MINUTE = 600_000  # what protects a hub where nobody set anything is how many calls run at once
CALLS_AT_ONCE = 128
APPROVALS_PENDING = 100
APPROVALS_PER_MINUTE = 60
SHOPPER_MESSAGES_MINUTE = 12
SHOPPER_MESSAGES_DAY = 200
SHOPPER_MESSAGE_LENGTH = 2_000
SHOPPER_TOKENS = 200_000

MONEY = "money_per_day"  # with a currency: money_per_day.EUR
FEATURE = "feature"  # with a name: feature.writes
_DAY = "_per_day"
_OF_CALLS = frozenset({"calls", "tokens"})  # counters of a day that are looked at before every call

Value = int | bool


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit: what it means, where it begins and ends, and its value where nobody set one."""

    what: str
    most: int
    default: int | None = None
    least: int = 1


QUOTAS: Mapping[str, Quota] = {
    "calls_per_minute": Quota("Calls in a minute, of each agent, person or key.", 1_000_000, CALLS_PER_MINUTE),
    "calls_at_once": Quota("Calls at once, of each of them; all processes divide it.", 1_000, CALLS_AT_ONCE),
    "approvals_pending": Quota("Writes of an agent that wait for people at once.", 10_000, APPROVALS_PENDING),
    "approvals_per_minute": Quota("Writes in a minute for which an agent asks people.", 10_000, APPROVALS_PER_MINUTE),
    "shopper_messages_per_minute": Quota("Messages of one customer in a minute.", 10_000, SHOPPER_MESSAGES_MINUTE),
    "shopper_messages_a_day": Quota("Messages of one customer in a day (UTC).", 1_000_000, SHOPPER_MESSAGES_DAY),
    "shopper_message_length": Quota("Characters of a customer's message.", 32_000, SHOPPER_MESSAGE_LENGTH),
    "shopper_conversation_tokens": Quota(
        "Tokens of language models in one conversation of a customer.", 10**9, SHOPPER_TOKENS
    ),
    "calls_per_day": Quota("Calls in a day (UTC), of the whole workspace or of the agent.", 10**12),
    "writes_per_day": Quota("Writes carried out in a day.", 10**12, least=0),
    "tokens_per_day": Quota("Tokens of language models in a day.", MAX_MINOR, least=0),
    MONEY: Quota("Money moved in a day, in minor units, for each currency (money_per_day.EUR).", MAX_MINOR, least=0),
}

FEATURES: Mapping[str, str] = {
    "mcp": "Calls at all: without it every call is refused.",
    "writes": "Tools that change something.",
    "remote_servers": "Tools, resources and prompts of servers that are not bundled.",
}

_NONE: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Quotas:
    """What holds for one caller. The `…_day` ones are limits by counter ("calls", "writes", "tokens", "money.EUR"), of
    the workspace and of the agent; `off` are the features that the workspace does not have. `is_plain`: nothing has to
    be looked at beside the calls in a minute."""

    calls_per_minute: int = CALLS_PER_MINUTE
    calls_at_once: int = CALLS_AT_ONCE
    approvals_pending: int = APPROVALS_PENDING
    approvals_per_minute: int = APPROVALS_PER_MINUTE
    shopper_messages_per_minute: int = SHOPPER_MESSAGES_MINUTE
    shopper_messages_a_day: int = SHOPPER_MESSAGES_DAY
    shopper_message_length: int = SHOPPER_MESSAGE_LENGTH
    shopper_conversation_tokens: int = SHOPPER_TOKENS
    workspace_day: Mapping[str, int] = field(default_factory=lambda: _NONE)
    agent_day: Mapping[str, int] = field(default_factory=lambda: _NONE)
    off: frozenset[str] = frozenset()
    is_plain: bool = True

    def require(self, feature: str) -> None:
        """Raises ForbiddenScope for a feature that the workspace does not have."""
        if feature in self.off:
            raise ForbiddenScope(
                f"This workspace does not have the feature '{feature}'.",
                hint=f"Whoever runs this installation can switch it on: `tradepost limits set feature.{feature}=on`.",
                details={"feature": feature},
            )


DEFAULTS = Quotas()

_SET = Lookup(
    select(LimitSettings.id, LimitSettings.settings).where(
        or_(LimitSettings.id == WORKSPACE, LimitSettings.id == bindparam("agent"))
    ),
    first="one",
)


async def read_quotas(session: AsyncSession, agent_id: str | None) -> Quotas:
    """What holds in the session's workspace, for this agent."""
    rows = await _SET.rows(session, {"agent": agent_id or WORKSPACE})
    found: dict[str, Mapping[str, Value]] = {row[0]: row[1] for row in rows}
    if not found:
        return DEFAULTS
    return quotas_of(found.get(WORKSPACE, {}), found.get(agent_id, {}) if agent_id is not None else {})


def quotas_of(workspace: Mapping[str, Value], agent: Mapping[str, Value]) -> Quotas:
    """What holds where these are set."""
    return _merged(tuple(sorted(workspace.items())), tuple(sorted(agent.items())))


@lru_cache(maxsize=4_096)
def _merged(workspace: tuple[tuple[str, Value], ...], agent: tuple[tuple[str, Value], ...]) -> Quotas:
    of_all, own = dict(workspace), dict(agent)
    off = frozenset(name.partition(".")[2] for name, value in workspace if _is_feature(name) and value is False)
    workspace_day, agent_day = _by_day(of_all), _by_day(own)
    return Quotas(
        calls_per_minute=_lower("calls_per_minute", of_all, own),
        calls_at_once=_lower("calls_at_once", of_all, own),
        approvals_pending=_lower("approvals_pending", of_all, own),
        approvals_per_minute=_lower("approvals_per_minute", of_all, own),
        shopper_messages_per_minute=_lower("shopper_messages_per_minute", of_all, own),
        shopper_messages_a_day=_lower("shopper_messages_a_day", of_all, own),
        shopper_message_length=_lower("shopper_message_length", of_all, own),
        shopper_conversation_tokens=_lower("shopper_conversation_tokens", of_all, own),
        workspace_day=workspace_day,
        agent_day=agent_day,
        off=off,
        is_plain=not off and _OF_CALLS.isdisjoint(workspace_day) and _OF_CALLS.isdisjoint(agent_day),
    )


def _lower(name: str, of_all: Mapping[str, Value], own: Mapping[str, Value]) -> int:
    usual = int(of_all.get(name, QUOTAS[name].default or 0))
    return min(usual, int(own.get(name, usual)))


def _by_day(found: Mapping[str, Value]) -> Mapping[str, int]:
    """calls_per_day: 5 -> calls: 5; money_per_day.EUR: 5 -> money.EUR: 5."""
    counted = {counter_of(name): int(value) for name, value in found.items()}
    return MappingProxyType({counter: value for counter, value in counted.items() if counter is not None})


def counter_of(name: str) -> str | None:
    """What is counted for a limit of a day: "money.EUR" for money_per_day.EUR; None for any other limit."""
    return name.replace(_DAY, "", 1) if _DAY in name else None


def checked(name: str, given: object, *, of_agent: bool) -> Value:
    """The value of a limit or a feature, which may be given as text. Raises InvalidArgument."""
    required_name(name, of_agent=of_agent)
    kind, _, currency = name.partition(".")
    if kind == FEATURE:
        return _switch(name, given)
    if currency:
        exponent(currency)
    quota = QUOTAS[kind]
    bounds = f"It is a whole number from {quota.least} to {quota.most}."
    if isinstance(given, bool) or not isinstance(given, int | str):
        raise InvalidArgument(f"'{str(given)[:40]}' is no value of {name}.", hint=bounds, field=name)
    try:
        number = int(given)
    except ValueError:
        number = -1
    if not quota.least <= number <= quota.most:
        raise InvalidArgument(f"'{str(given)[:40]}' is no value of {name}.", hint=bounds, field=name)
    return number


def _switch(name: str, given: object) -> bool:
    values: dict[object, bool] = {"on": True, "off": False, True: True, False: False}
    if not isinstance(given, str | bool) or given not in values:
        raise InvalidArgument(f"'{str(given)[:40]}' is no value of {name}.", hint="It is on or off.", field=name)
    return values[given]


def _unknown(name: str, *, of_agent: bool) -> InvalidArgument:
    names = [f"{MONEY}.EUR" if one == MONEY else one for one in QUOTAS]
    if not of_agent:
        names += [f"{FEATURE}.{one}" for one in FEATURES]
    whose = "an agent" if of_agent else "a workspace"
    return InvalidArgument(
        f"There is no limit '{name[:60]}' of {whose}.", hint=f"There are: {', '.join(names)}.", field=name[:60]
    )


def required_name(name: str, *, of_agent: bool) -> None:
    """Raises InvalidArgument for what is no name of a limit or, of a workspace, of a feature."""
    if not _is_limit(name) and (of_agent or not _is_feature(name)):
        raise _unknown(name, of_agent=of_agent)


def _is_limit(name: str) -> bool:
    kind, _, currency = name.partition(".")
    return kind in QUOTAS and (kind == MONEY) == bool(currency)


def _is_feature(name: str) -> bool:
    kind, _, feature = name.partition(".")
    return kind == FEATURE and feature in FEATURES


def plain(settings: Mapping[str, Any]) -> dict[str, Value]:
    """What stands in a row, as far as this release knows it."""
    return {name: value for name, value in settings.items() if _is_limit(name) or _is_feature(name)}
