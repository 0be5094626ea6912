"""One place in which two schemas do not fit, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tradepost.foundation.untrusted import clean

MAX_VALUE = 30  # characters
MAX_VALUES = 6


@dataclass(frozen=True, slots=True)
class Misfit:
    """What the narrow schema says at a place, and what the wide one says there. Without `certain` it may fit after
    all."""

    place: str
    narrow: str
    wide: str
    certain: bool


def kinds_in_words(kinds: Iterable[str]) -> str:
    """Types, as people read them."""
    found = sorted(kinds)
    return "any value" if len(found) == 6 else " or ".join(found) or "nothing"


def listed(values: Sequence[Any]) -> str:
    """The first of some values."""
    shown = [clean(orjson.dumps(value).decode(), MAX_VALUE) for value in values[:MAX_VALUES]]
    more = f" and {len(values) - MAX_VALUES} more" if len(values) > MAX_VALUES else ""
    return ", ".join(shown) + more if shown else "nothing"
