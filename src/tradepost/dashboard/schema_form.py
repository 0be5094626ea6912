"""A form made from a JSON Schema, and the arguments that come back with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tradepost.dashboard.asking import Problem, Refused

PREFIX = "arg:"
MAX_WORDS = 300


@dataclass(frozen=True, slots=True)
class Field:
    """One argument. `kind` is text, number, choice or json; `value` what stands in it."""

    name: str
    kind: str
    required: bool
    words: str
    choices: tuple[str, ...]
    value: str


def fields_of(schema: Mapping[str, Any], given: Mapping[str, str]) -> list[Field]:
    """The fields for the properties of an object, those that are needed first. The schema is a foreign server's: what
    it does not say plainly becomes a field for JSON."""
    properties = schema.get("properties")
    required = schema.get("required")
    needed = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
    shown = [
        _field(name, one, name in needed, given.get(PREFIX + name))
        for name, one in (properties if isinstance(properties, dict) else {}).items()
    ]
    return sorted(shown, key=lambda field: not field.required)


def arguments_of(schema: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The arguments that a form says; what is empty is left out. Raises Refused for what is no value of its kind."""
    return {
        field.name: _value(field, given.get(PREFIX + field.name, ""))
        for field in fields_of(schema, {})
        if given.get(PREFIX + field.name, "") != ""
    }


def _field(name: str, schema: Any, required: bool, given: str | None) -> Field:
    one = schema if isinstance(schema, dict) else {}
    kind, choices = _kind(one)
    default = one.get("default")
    usual = "" if default is None else default if isinstance(default, str) else orjson.dumps(default).decode()
    words = str(one.get("description", ""))[:MAX_WORDS]
    return Field(name, kind, required, words, choices, usual if given is None else given)


def _kind(schema: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    choices, kind = schema.get("enum"), schema.get("type")
    if isinstance(choices, list) and all(isinstance(one, str) for one in choices):
        return "choice", tuple(choices)
    if kind == "boolean":
        return "choice", ("true", "false")
    if kind in ("integer", "number"):
        return "number", ()
    return ("text", ()) if kind == "string" else ("json", ())


def _value(field: Field, text: str) -> Any:
    if field.kind == "text" or (field.kind == "choice" and field.choices != ("true", "false")):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        detail = f"{field.name} is not {'a number' if field.kind == 'number' else 'JSON'}: {text[:60]}"
        raise Refused(
            Problem(400, "Not sent", detail, 'Text stands in quotes, as in ["a", "b"].', field.name)
        ) from None
