"""How values are written on pages: numbers, money, moments, durations."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from markupsafe import Markup

from tradepost.foundation.clock import from_rfc3339
from tradepost.foundation.untrusted import with_hidden_shown


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


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


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


def _rough(seconds: float) -> str:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return plural(int(seconds // size), name)
    return plural(int(seconds), "second") if seconds >= 10 else ""


WORDS: dict[str, Callable[..., Any]] = {
    "moment": moment,
    "ago": ago,
    "plural": plural,
    "visible": visible,
    "pretty": pretty,
    "milliseconds": milliseconds,
    "with_value": with_value,
    "without": without,
    "filled": filled,
}
