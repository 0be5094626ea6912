"""Arguments that the model does not see: where a schema declares them, and the schema without them.

Only what applies to the arguments themselves is looked at: the schema, and the parts of it that hold in the same place
(allOf, anyOf, oneOf, if, then, else).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tradepost.hub.registry.pinned import Json

_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLE = ("if", "then", "else")
_DEPENDENT = ("dependentRequired", "dependentSchemas", "dependencies")
_ALL_KINDS = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})


def kinds_of(schema: Any, name: str) -> frozenset[str] | None:
    """The JSON types an argument may have; None for one that the schema does not declare."""
    found: frozenset[str] | None = None
    for part in _in_place(schema):
        properties = part.get("properties")
        if isinstance(properties, Mapping) and name in properties:
            found = (_ALL_KINDS if found is None else found) & types_of(properties[name])
    return found


def is_required(schema: Any, name: str) -> bool:
    """Whether a call without the argument is never right."""
    required = schema.get("required") if isinstance(schema, Mapping) else None
    return isinstance(required, list) and name in required


def without(schema: Any, names: frozenset[str]) -> Any:
    """The schema without these arguments."""
    if not isinstance(schema, Mapping):
        return schema
    shown: Json = dict(schema)
    for keyword in ("properties", *_DEPENDENT):
        members = shown.get(keyword)
        if isinstance(members, Mapping):
            shown[keyword] = {name: _less(part, names) for name, part in members.items() if name not in names}
    if isinstance(shown.get("required"), list):
        shown["required"] = _less(shown["required"], names)
        if not shown["required"]:
            del shown["required"]  # an empty list is no list in older dialects
    for keyword in _LISTS:
        if isinstance(shown.get(keyword), list):
            shown[keyword] = [without(part, names) for part in shown[keyword]]
    for keyword in _SINGLE:
        if keyword in shown:
            shown[keyword] = without(shown[keyword], names)
    return shown


def _less(part: Any, names: frozenset[str]) -> Any:
    return [name for name in part if name not in names] if isinstance(part, list) else part


def types_of(declared: Any) -> frozenset[str]:
    """The JSON types that a schema names; all where it names none."""
    kind = declared.get("type") if isinstance(declared, Mapping) else None
    if isinstance(kind, str):
        return frozenset({kind})
    return frozenset(kind) if isinstance(kind, list) else _ALL_KINDS


def _in_place(schema: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, Mapping):
        return
    yield schema
    for keyword in _LISTS:
        parts = schema.get(keyword)
        for part in parts if isinstance(parts, list) else ():
            yield from _in_place(part)
    for keyword in _SINGLE:
        yield from _in_place(schema.get(keyword))
