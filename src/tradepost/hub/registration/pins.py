"""Pinning: the text of a definition that is kept, and the digest that stands for exactly this definition."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from tradepost.foundation.canonical import digest

ChangeKind = Literal["text", "additive", "breaking", "suspicious"]
_WORDS = frozenset({"title", "description", "examples", "$comment", "icons"})


@dataclass(frozen=True, slots=True)
class Pin:
    """A definition as stored. The members keep the server's order; the digest does not depend on it."""

    text: str
    digest: str


def pin(definition: Mapping[str, Any]) -> Pin:
    """The pin of a definition that intake let through."""
    return Pin(orjson.dumps(definition).decode(), digest(definition))


def kind_of_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> ChangeKind:
    """What an admin should expect of a changed tool: other words, more possibilities, something that breaks callers, or
    claims about its own harmlessness that moved."""
    if old.get("annotations") != new.get("annotations"):
        return "suspicious"
    before, after = _without_words(old), _without_words(new)
    if before == after:
        return "text"
    before_input, after_input = before.pop("inputSchema", {}), after.pop("inputSchema", {})
    if before == after and _only_adds(before_input, after_input):
        return "additive"
    return "breaking"


def _only_adds(old: Any, new: Any) -> bool:
    """New optional arguments and nothing else."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return False
    old_members, new_members = old.get("properties", {}), new.get("properties", {})
    rest_old = {key: value for key, value in old.items() if key != "properties"}
    rest_new = {key: value for key, value in new.items() if key != "properties"}
    return rest_old == rest_new and all(new_members.get(name) == value for name, value in old_members.items())


def _without_words(value: Any, is_map: bool = False) -> Any:
    """The definition without its texts. Under `properties` a key is an argument's name, never a text."""
    if isinstance(value, dict):
        return {
            key: _without_words(inner, key in ("properties", "$defs", "definitions", "patternProperties"))
            for key, inner in value.items()
            if is_map or key not in _WORDS
        }
    if isinstance(value, list):
        return [_without_words(inner) for inner in value]
    return value
