"""Pinning: the text of a definition that is kept, and the digest that stands for exactly this definition."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tradepost.foundation.canonical import digest


@dataclass(frozen=True, slots=True)
class Pin:
    """A definition as stored. The members keep the server's order; the digest does not depend on it."""

    text: str
    digest: str


def pin(definition: Mapping[str, Any]) -> Pin:
    """The pin of a definition that intake let through."""
    return Pin(orjson.dumps(definition).decode(), digest(definition))
