"""How values are written on pages: numbers, money, moments, durations."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from markupsafe import Markup

from tradepost.dashboard.rule_words import rule_in_words
from tradepost.foundation.clock import from_rfc3339
from tradepost.foundation.untrusted import with_hidden_shown

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")


def moment(said: str | None, nothing: str = "never") -> Markup:
    """A time, which the page's script shows in the zone of whoever looks; without it, in UTC."""
    if not said:
        return Markup('<span class="quiet">{}</span>').format(nothing)
    at = from_rfc3339(said)
    return Markup('<time datetime="{}">{}</time>').format(said, f"{at:%Y-%m-%d %H:%M} UTC")


def ago(said: str | None, now: datetime) -> str:
    """How long a time is past, or ahead, roughly."""
    if not said:
        return ""
    seconds = (now - from_rfc3339(said)).total_seconds()
    words = _rough(abs(seconds))
    if words == "":
        return "just now"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def counted(number: float | str) -> str:
    """A number in groups of three digits; of long lists, the shop says "10,000+" in words."""
    return number if isinstance(number, str) else f"{number:,}"


def plural(number: int | str, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{counted(number)} {one if number == 1 else many or one + 's'}"


def visible(text: Any) -> str:
    """Text that somebody outside wrote, with what cannot be seen written out. As everything, it is escaped then."""
    return with_hidden_shown(text if isinstance(text, str) else orjson.dumps(text).decode())


def pretty(value: Any) -> str:
    """A JSON value over several lines."""
    return with_hidden_shown(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def milliseconds(value: float | None) -> str:
    """A duration."""
    if value is None:
        return "–"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def with_value(query: Mapping[str, str], name: str, value: str) -> str:
    """A query with one value set, as it stands in a link."""
    return "?" + urlencode({**query, name: value})


def without(query: Mapping[str, str], name: str) -> str:
    """A query without one value."""
    rest = {key: value for key, value in query.items() if key != name}
    return "?" + urlencode(rest) if rest else ""


def filled(query: Mapping[str, str], name: str, value: str) -> str:
    """A query with one value more, and none that is empty."""
    return "?" + urlencode({key: kept for key, kept in {**query, name: value}.items() if kept})


def described(value: Mapping[str, Any]) -> str:
    """What a record within a line is: its number, code or name, else its members."""
    known = value.get("number") or value.get("code") or value.get("name")
    if known:
        return visible(known)
    return ", ".join(f"{key.replace('_', ' ')}: {visible(inner)}" for key, inner in value.items())


def is_moment(text: str) -> bool:
    """Whether a text is a time as the routes write it."""
    return _MOMENT.fullmatch(text) is not None


def is_deep(value: Any) -> bool:
    """Whether a value has parts of its own that need more than a line: but for money."""
    if isinstance(value, dict):
        return "amount_minor" not in value and len(value) > 1
    return isinstance(value, list) and any(isinstance(one, dict) for one in value)


def is_quiet_key(key: str) -> bool:
    """Whether a member is for programs: ids, versions, amounts that stand there in words, too."""
    return key in ("id", "version", "external_id") or key.endswith(("_id", "_minor"))


def columns(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns of a table of records: what people read, at most ten."""
    keys = dict.fromkeys(key for one in items for key in one if not is_quiet_key(key))
    return [key for key in keys if not all(is_deep(one.get(key)) or one.get(key) is None for one in items)][:10]


def as_bars(causes: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, str, str]]:
    """Counts of late orders as a chart has them."""
    return [
        (str(one["kind"]).replace("_", " "), one["orders"], plural(one["orders"], "order"), "/store/late")
        for one in causes
    ]


def _rough(seconds: float) -> str:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return plural(int(seconds // size), name)
    return plural(int(seconds), "second") if seconds >= 10 else ""


WORDS: dict[str, Callable[..., Any]] = {
    "moment": moment,
    "ago": ago,
    "counted": counted,
    "plural": plural,
    "visible": visible,
    "described": described,
    "pretty": pretty,
    "milliseconds": milliseconds,
    "with_value": with_value,
    "without": without,
    "filled": filled,
    "is_moment": is_moment,
    "columns": columns,
    "as_bars": as_bars,
    "rule_in_words": rule_in_words,
}
TESTS: dict[str, Callable[..., bool]] = {"deep": is_deep, "quiet_key": is_quiet_key}


def names_of(agents: Iterable[Mapping[str, Any]], people: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What agents and people are called, by id and by what records say of who did something: `agent:…`, `user:…`."""
    called = {f"agent:{one['id']}": str(one["slug"]) for one in agents}
    called |= {f"user:{one['id']}": str(one["name"]) for one in people}
    return called | {who.partition(":")[2]: name for who, name in called.items()}
