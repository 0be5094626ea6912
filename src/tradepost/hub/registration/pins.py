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


def without_data(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The definition of a resource without what it says of the data that stands there now: its size, and when it was
    last changed. Nobody approves those, and they may be others at each look."""
    if "uri" not in definition and "uriTemplate" not in definition:
        return dict(definition)
    kept = {name: value for name, value in definition.items() if name != "size"}
    said = kept.get("annotations")
    if isinstance(said, dict) and "lastModified" in said:
        kept["annotations"] = {name: value for name, value in said.items() if name != "lastModified"}
        if not kept["annotations"]:
            del kept["annotations"]
    return kept


def pin_content(definition: Mapping[str, Any]) -> Pin:
    """The pin of a resource, template or prompt that intake let through."""
    return pin(without_data(definition))


def pin(definition: Mapping[str, Any]) -> Pin:
    """The pin of a definition that intake let through."""
    return Pin(orjson.dumps(definition).decode(), digest(definition))
