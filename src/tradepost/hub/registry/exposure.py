"""The definition a model sees, made from the pinned one: the exposed name, an admin's words where there are some,
without the arguments that the hub sets, and for a foreign write the idempotency key that the hub takes and an answer
that may be a proposal.

The pin itself stays as it was approved; arguments and results are checked against the pin.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from tradepost.hub.registry.catalog import ServerKind, ToolClass
from tradepost.hub.registry.hidden_arguments import without
from tradepost.hub.registry.nested_arguments import Path, without_nested
from tradepost.hub.registry.pinned import KEY_PARAMETER, Json, pinned
from tradepost.protocol.api_marks import REQUEST

APPROVAL_ANSWER: Json = {
    "type": "object",
    "properties": {
        "status": {"const": "approval_required"},
        "approval_id": {"type": "string"},
        "expires_at": {"type": "string"},
        "preview": {},
        "message": {"type": "string"},
    },
    "required": ["status", "approval_id"],
}
KEY_SCHEMA: Json = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "description": "Your key for this intent; a repeat with the same key has no second effect.",
}
NOTHING_HIDDEN: frozenset[str] = frozenset()
NOTHING_INSIDE: frozenset[Path] = frozenset()


class Words(NamedTuple):
    """An admin's title and description of a tool; None leaves the server's own."""

    title: str | None = None
    description: str | None = None


OWN_WORDS = Words()
_HOISTED = ("$schema", "$id", "$defs", "definitions")


def exposed_tool(
    text: str,
    name: str,
    exposed_name: str,
    kind: ServerKind,
    tool_class: ToolClass,
    hidden: frozenset[str] = NOTHING_HIDDEN,
    inside: frozenset[Path] = NOTHING_INSIDE,
    words: Words = OWN_WORDS,
) -> bytes:
    """The bytes of a tool in a list, without the arguments that are `hidden` and what is `inside` others; the pinned
    bytes themselves wherever nothing has to differ."""
    may_propose = kind == "remote" and tool_class != "read"
    as_given = not may_propose and not hidden and not inside and words == OWN_WORDS
    if name == exposed_name and as_given and REQUEST not in text:
        return text.encode()
    return _differing(text, exposed_name, may_propose, hidden, inside, words)


@lru_cache(maxsize=20_000)
def _differing(
    text: str,
    exposed_name: str,
    may_propose: bool,
    hidden: frozenset[str],
    inside: frozenset[Path],
    words: Words,
) -> bytes:
    definition = pinned(text).definition
    shown = _in_words({**definition, "name": exposed_name}, words)
    meta = definition.get("_meta")
    if isinstance(meta, dict) and REQUEST in meta:  # how an API is asked is between the hub and the API
        shown["_meta"] = {key: value for key, value in meta.items() if key != REQUEST}
        if not shown["_meta"]:
            del shown["_meta"]
    if inside:
        shown["inputSchema"] = without_nested(definition["inputSchema"], inside)
    if hidden:
        shown["inputSchema"] = without(shown.get("inputSchema"), hidden)
    if may_propose:
        shown["inputSchema"] = _with_key(shown.get("inputSchema"))
    if may_propose and "outputSchema" in definition:
        schema = answer_or_approval(definition["outputSchema"])
        if schema is None:
            del shown["outputSchema"]
        else:
            shown["outputSchema"] = schema
    return orjson.dumps(shown)


def _in_words(shown: Json, words: Words) -> Json:
    """With an admin's words. The older place of a title, in the annotations, says the same."""
    if words.title is not None:
        shown = {**shown, "title": words.title}
        annotations = shown.get("annotations")
        if isinstance(annotations, Mapping) and "title" in annotations:
            shown["annotations"] = {**annotations, "title": words.title}
    if words.description is not None:
        shown = {**shown, "description": words.description}
    return shown


def _with_key(schema: Any) -> Any:
    """A write's input schema with the idempotency key that the hub takes for it, where the tool has none itself."""
    if not isinstance(schema, Mapping) or not isinstance(schema.get("properties", {}), Mapping):
        return schema
    return {**schema, "properties": {KEY_PARAMETER: KEY_SCHEMA, **schema.get("properties", {})}}


def answer_or_approval(schema: Any) -> Json | None:
    """A schema that fits the tool's own answer and `approval_required` alike; None where it cannot be written."""
    if not isinstance(schema, Mapping) or any(not _movable(reference) for reference in _references(schema)):
        return None  # a reference into the schema's own body would point elsewhere once it is nested
    hoisted = {key: schema[key] for key in _HOISTED if key in schema}
    original = {key: value for key, value in schema.items() if key not in _HOISTED}
    return {**hoisted, "type": "object", "anyOf": [original, APPROVAL_ANSWER]}


def _movable(reference: Any) -> bool:
    return isinstance(reference, str) and reference.startswith(("#/$defs/", "#/definitions/"))


def _references(node: Any) -> list[Any]:
    found: list[Any] = []
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            found.extend(part[key] for key in ("$ref", "$dynamicRef") if key in part)
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return found
