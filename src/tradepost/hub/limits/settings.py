"""What can be set for a server and for one of its tools: each with its bounds, its unit and its value where nobody did.

A tool's own setting goes before its server's, which goes before the constant that stands here. What a tool sets about
calls at once is a line of its own, and what it sets about calls in a minute a count of its own, both within its
server's; what it sets about failures and repetitions is counted for it alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Literal, get_args

from tradepost.foundation.errors import InvalidArgument

# What one network address may send in a minute: settings of the installation, since they hold before anybody is known.
WRONG_PER_MINUTE = 60
REQUESTS_PER_MINUTE = 1_200_000

# About what clients take of a result without complaint. Bundled servers keep their own answers short: pages of at most
# 50, texts of 200 tokens.
RESULT_TOKENS = 25_000
OF_BUNDLED = 0
LEAST_RESULT_TOKENS = 1_000

Value = float | int | str
Treatment = Literal["cleaned", "delimited", "unchanged"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One of them. Those that are not `of_tools` hold for a whole server; those that are not `of_bundled` mean nothing
    where the server is part of this very program. `or_zero`: 0 may be said as well."""

    what: str
    least: float = 0
    most: float = 0
    choices: tuple[str, ...] = ()
    of_tools: bool = True
    of_bundled: bool = False
    or_zero: bool = False


def _set(what: str, least: float = 0, most: float = 0, **more: Any) -> dict[str, Setting]:
    return {"setting": Setting(what, least, most, **more)}


_TREATED = (
    "What becomes of texts from outside: cleaned of what nobody sees and cut where too long; delimited as well; "
    "unchanged (of bundled servers: cleaned)."
)

_SHORTENED = "Tokens that a result may have; the rest of a longer one is fetched with get_rest. 0 is no limit."


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for the calls of a server or of one tool. `shared` are those of the server where a tool has some of
    its own; None where nothing is the tool's own."""

    timeout_seconds: float = field(
        default=60.0, metadata=_set("Seconds a call may take in all.", 1, 300, of_bundled=True)
    )
    connect_seconds: float = field(
        default=3.0, metadata=_set("Seconds a connection may take.", 0.1, 30, of_tools=False)
    )
    handshake_seconds: float = field(
        default=90.0, metadata=_set("Seconds the handshake may take, within those of a call.", 1, 300, of_tools=False)
    )
    # The most is less than the connections that the pool gives to one origin.
    running: int = field(default=128, metadata=_set("Calls at once.", 1, 150, of_bundled=True))
    waiting: int = field(
        default=256, metadata=_set("Calls that wait for their turn; more are refused.", 0, 10_000, of_bundled=True)
    )
    calls_per_minute: int = field(
        default=0,
        metadata=_set("Calls in a minute, of all agents together; 0 is no limit.", 0, 1_000_000, of_bundled=True),
    )
    breaker_failures: int = field(
        default=5, metadata=_set("Failures in a row after which no calls are sent for a while.", 1, 1_000)
    )
    breaker_seconds: float = field(
        default=30.0, metadata=_set("Seconds without calls the first time, doubling.", 1, 3_600)
    )
    breaker_most_seconds: float = field(default=300.0, metadata=_set("Seconds without calls at the most.", 1, 86_400))
    retries: int = field(default=2, metadata=_set("Repetitions of one read at the most.", 0, 5))
    retry_share: float = field(default=0.1, metadata=_set("Repetitions, as a share of the calls.", 0, 1))
    text: Treatment = field(
        default="cleaned", metadata=_set(_TREATED, choices=get_args(Treatment), of_tools=False, of_bundled=True)
    )
    result_tokens: int = field(
        default=RESULT_TOKENS,
        metadata=_set(_SHORTENED, LEAST_RESULT_TOKENS, 1_000_000, of_bundled=True, or_zero=True),
    )
    shared: "Limits | None" = None
    own_line: bool = False
    own_pace: bool = False
    own_count: bool = False


SETTINGS: dict[str, Setting] = {
    one.name: one.metadata["setting"] for one in fields(Limits) if "setting" in one.metadata
}
DEFAULTS = Limits()
_WHOLE = frozenset(name for name in SETTINGS if isinstance(getattr(DEFAULTS, name), int))
_OF_LINE = {"running", "waiting"}
_OF_COUNT = {"breaker_failures", "breaker_seconds", "breaker_most_seconds", "retry_share"}


def limits_of(
    server: Mapping[str, Any],
    tool: Mapping[str, Any] | None = None,
    result_tokens: int | None = None,
    *,
    bundled: bool = False,
) -> Limits:
    """What holds where these are set. Other things that stand beside them mean nothing here. `result_tokens` is the
    workspace's word for servers and tools that have none of their own."""
    if bundled and result_tokens is None:
        result_tokens = OF_BUNDLED
    if not server and not tool:
        return DEFAULTS if result_tokens is None else _held_to(result_tokens)
    if result_tokens is not None:
        server = {"result_tokens": result_tokens, **server}
    return _merged(_limits_in(server), _limits_in(tool or {}))


@lru_cache(maxsize=64)
def _held_to(result_tokens: int) -> Limits:
    return Limits(result_tokens=result_tokens)


def _limits_in(settings: Mapping[str, Any]) -> tuple[tuple[str, Value], ...]:
    return tuple(sorted((name, value) for name, value in settings.items() if name in SETTINGS))


@lru_cache(maxsize=4_096)
def _merged(server: tuple[tuple[str, Value], ...], tool: tuple[tuple[str, Value], ...]) -> Limits:
    of_server: dict[str, Any] = dict(server)
    own: dict[str, Any] = dict(tool)
    if not own:
        return Limits(**of_server)
    return Limits(
        **{**of_server, **own},
        shared=Limits(**of_server),
        own_line=not _OF_LINE.isdisjoint(own),
        own_pace="calls_per_minute" in own,
        own_count=not _OF_COUNT.isdisjoint(own),
    )


def allowed(*, of_tool: bool, bundled: bool) -> list[str]:
    """The names of what can be set."""
    return [name for name, one in SETTINGS.items() if (one.of_tools or not of_tool) and (one.of_bundled or not bundled)]


def checked(name: str, given: object, *, of_tool: bool = False, bundled: bool = False) -> Value:
    """The value of a setting, which may be given as text. Raises InvalidArgument."""
    names = allowed(of_tool=of_tool, bundled=bundled)
    if name not in names:
        whose = ("a tool of a bundled server" if bundled else "a tool") if of_tool else "a server"
        whose = "a bundled server" if bundled and not of_tool else whose
        raise InvalidArgument(
            f"There is no setting '{name[:60]}' of {whose}.", hint=f"There are: {', '.join(names)}.", field=name[:60]
        )
    setting = SETTINGS[name]
    if setting.choices:
        if given not in setting.choices:
            raise _wrong(name, given, f"one of: {', '.join(setting.choices)}")
        return str(given)
    whole = name in _WHOLE
    bounds = f"{'a whole number' if whole else 'a number'} from {setting.least:g} to {setting.most:g}"
    bounds += ", or 0" if setting.or_zero else ""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise _wrong(name, given, bounds)
    try:
        number = int(given) if whole and not isinstance(given, float) else float(given)
    except ValueError:
        raise _wrong(name, given, bounds) from None
    within = setting.least <= number <= setting.most or (setting.or_zero and number == 0)
    fits = math.isfinite(number) and within and (not whole or number == int(number))
    if not fits:
        raise _wrong(name, given, bounds)
    return int(number) if whole else float(number)


def _wrong(name: str, given: object, may_be: str) -> InvalidArgument:
    return InvalidArgument(f"'{str(given)[:40]}' is no value of {name}.", hint=f"It is {may_be}.", field=name)
