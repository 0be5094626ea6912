"""Schemas of OpenAPI as plain JSON Schema without references: what a model reads and a validator checks.

Sound means: nothing that the API takes is refused. So what goes round in circles or too deep becomes "anything of that
type", a choice of one becomes a choice of any, and a pattern that no linear engine can run is left out. Of answers only
the shape is kept: a value that is new in an enumeration is no reason to withhold an answer.
"""

from collections.abc import Mapping
from typing import Any, Literal

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.intake import schema_finding
from tradepost.hub.registration.openapi.reading import words
from tradepost.hub.registration.openapi.references import Document, Unusable
from tradepost.hub.registry.schema_check import compile_schema

Json = dict[str, Any]
Direction = Literal["in", "out"]

MAX_PARTS = 600
MAX_BYTES = 12_000  # of an input schema: a model reads all of them, again and again
MAX_WORDS = 400  # characters of a description inside a schema
# How deep, and with how many characters for each description: what fits first is taken.
ATTEMPTS = (
    *((depth, MAX_WORDS) for depth in (12, 8, 6, 5, 4, 3)),
    (4, 120),
    (3, 120),
    (2, 120),
    (1, 120),
    (1, 0),
    (0, 0),
)
MAX_ENUM = 200
TYPES = ("null", "boolean", "object", "array", "number", "integer", "string")

_NUMBERS = ("minimum", "maximum", "multipleOf")
_SIZES = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")


class TooMuch(Exception):
    """The schema has more parts than are allowed."""


class Schemas:
    """Converts the schemas of a document for one direction: what is only read is not sent, and the other way round."""

    def __init__(self, document: Document, direction: Direction, depth: int, words: int) -> None:
        self._document = document
        self._out = direction == "out"
        self._depth = depth
        self._words = words
        self._left = MAX_PARTS
        self._old = str(document.raw.get("openapi", "")).startswith("3.0")

    def of(self, node: Any, seen: tuple[str, ...] = (), depth: int = 0) -> Json:
        """The schema of a node. Raises Unusable, TooMuch."""
        self._left -= 1
        if self._left < 0:
            raise TooMuch
        if not isinstance(node, dict):
            return {}  # true, or nothing that means anything
        found, reference = self._document.followed(node)
        is_again = reference is not None and reference in seen
        beyond = is_again or depth > self._depth
        made = _head(found, self._old, self._out)
        text = words(node, "description") or words(found, "description") or words(found, "title")
        if text and self._words:
            made["description"] = clean(text, self._words)
        may_be_null = self._old and found.get("nullable") is True
        if beyond:
            kept: Json = {name: made[name] for name in ("type", "description") if name in made}
            return _or_null(kept) if may_be_null else kept
        inner = (*seen, reference) if reference is not None else seen
        self._add_members(made, found, inner, depth)
        self._add_items(made, found, inner, depth)
        made = self._combined(made, found, inner, depth)
        return _or_null(made) if may_be_null else made

    def skips(self, node: Any) -> bool:
        """Whether a member has no place in this direction."""
        try:
            found = self._document.object(node)
        except Unusable:
            return False
        return found.get("writeOnly" if self._out else "readOnly") is True

    def _add_members(self, made: Json, found: Json, seen: tuple[str, ...], depth: int) -> None:
        members = found.get("properties")
        if isinstance(members, dict):
            shown = {name: inner for name, inner in members.items() if not self.skips(inner)}
            made["properties"] = {name: self.of(inner, seen, depth + 1) for name, inner in shown.items()}
            made.setdefault("type", "object")
        skipped = {name for name, inner in members.items() if self.skips(inner)} if isinstance(members, dict) else set()
        required = found.get("required")
        if isinstance(required, list):
            names = list(dict.fromkeys(name for name in required if isinstance(name, str) and name not in skipped))
            if names:
                made["required"] = names
        more = found.get("additionalProperties")
        if isinstance(more, dict):
            made["additionalProperties"] = self.of(more, seen, depth + 1)
        elif more is False and not self._out and "patternProperties" not in found:
            made["additionalProperties"] = False

    def _add_items(self, made: Json, found: Json, seen: tuple[str, ...], depth: int) -> None:
        if isinstance(found.get("items"), dict):
            made["items"] = self.of(found["items"], seen, depth + 1)
            made.setdefault("type", "array")

    def _combined(self, made: Json, found: Json, seen: tuple[str, ...], depth: int) -> Json:
        for keyword in ("anyOf", "oneOf"):
            choices = found.get(keyword)
            if isinstance(choices, list) and choices:
                shown = [self.of(choice, seen, depth + 1) for choice in choices]
                key = "anyOf" if "anyOf" not in made else "allOf"
                made[key] = shown if key == "anyOf" else [{"anyOf": shown}]
        parts = found.get("allOf")
        if isinstance(parts, list) and parts:
            return _joined([made, *(self.of(part, seen, depth + 1) for part in parts)])
        return made


def schema_of(document: Document, node: Any, direction: Direction, most_bytes: int = MAX_BYTES) -> Json:
    """The schema of a node, as deep as it may be. Raises Unusable."""
    for depth, most_words in ATTEMPTS:
        try:
            made = Schemas(document, direction, depth, most_words).of(node)
        except TooMuch:
            continue
        if size_of(made) <= most_bytes and schema_finding(made, "schema") is None:
            return made
    return {}


def size_of(value: Any) -> int:
    """About as many bytes as the value has as JSON."""
    return len(str(value))


def _head(found: Json, old: bool, out: bool) -> Json:
    """What a schema says of a value without its parts."""
    made: Json = {}
    kinds = found.get("type")
    named = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind in TYPES]
    if named:
        made["type"] = named if len(named) > 1 else named[0]
    if out:
        return made
    enum = found.get("enum")
    if isinstance(enum, list) and 0 < len(enum) <= MAX_ENUM:
        made["enum"] = enum
    for name in ("const", "default"):
        if name in found and size_of(found[name]) <= MAX_WORDS:
            made[name] = found[name]
    if isinstance(found.get("format"), str) and "\n" not in found["format"]:
        made["format"] = found["format"][:40]
    for name in _NUMBERS:
        if _is_number(found.get(name)):
            made[name] = found[name]
    for name in _SIZES:
        if isinstance(found.get(name), int) and not isinstance(found[name], bool) and found[name] >= 0:
            made[name] = found[name]
    _add_exclusive(made, found)
    if found.get("uniqueItems") is True:
        made["uniqueItems"] = True
    if _is_pattern(found.get("pattern")):
        made["pattern"] = found["pattern"]
    if made.get("multipleOf", 1) <= 0:
        del made["multipleOf"]
    return made


def _add_exclusive(made: Json, found: Json) -> None:
    """In 3.0 a flag beside the bound, from 3.1 on a bound of its own."""
    for name, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if _is_number(found.get(name)):
            made[name] = found[name]
        elif found.get(name) is True and bound in made:
            made[name] = made.pop(bound)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_pattern(pattern: Any) -> bool:
    """Whether the engine that runs in linear time takes a pattern."""
    if not isinstance(pattern, str) or len(pattern) > MAX_WORDS:
        return False
    try:
        compile_schema({"type": "string", "pattern": pattern})
    except InvalidArgument:
        return False
    return True


def _or_null(made: Json) -> Json:
    kinds = made.get("type")
    if isinstance(kinds, str) and "anyOf" not in made and "allOf" not in made:
        made["type"] = [kinds, "null"]
        if "enum" in made and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
        return made
    if not made:
        return made
    text = {"description": made.pop("description")} if "description" in made else {}
    return {**text, "anyOf": [made, {"type": "null"}]}


def _joined(parts: list[Json]) -> Json:
    """Objects that a value has to be all at once, as one object where they say nothing against each other."""
    plain = [part for part in parts if part]
    if not all(
        part.keys() <= {"type", "properties", "required", "description", "additionalProperties"} for part in plain
    ):
        head, *rest = parts
        return {**head, "allOf": [*head.get("allOf", []), *rest]}
    if any(part.get("type", "object") != "object" for part in plain):
        head, *rest = parts
        return {**head, "allOf": rest}
    made: Json = {"type": "object"}
    members: Json = {}
    required: list[str] = []
    for part in plain:
        if "description" in part and "description" not in made:
            made["description"] = part["description"]
        for name, inner in part.get("properties", {}).items():
            members[name] = (
                inner if name not in members or members[name] == inner else {"allOf": [members[name], inner]}
            )
        required += part.get("required", [])
        if isinstance(part.get("additionalProperties"), Mapping):
            made["additionalProperties"] = part["additionalProperties"]
    if members:
        made["properties"] = members
    if required:
        made["required"] = list(dict.fromkeys(required))
    return made
