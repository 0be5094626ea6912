"""Checking a call's arguments against the pinned input schema, with one sentence that helps for each mistake."""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registry.schema_check import SchemaCheck

MAX_SHOWN = 80
KNOWN = "Leave it out; the arguments are: "
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


class ArgumentCheck(SchemaCheck):
    """The check of one pinned input schema; compiled once, shared by every catalog that shows the tool."""

    __slots__ = ()

    def __call__(self, arguments: Mapping[str, Any]) -> None:
        """Raises InvalidArgument naming the field, unless the arguments fit."""
        try:
            error = self.first_error(arguments)
        except ValueError as odd:
            raise InvalidArgument("The arguments cannot be checked: they hold a value that is not JSON.") from odd
        if error is not None:
            raise explained(error, self.schema) from error


def explained(error: jsonschema_rs.ValidationError, schema: Mapping[str, Any]) -> InvalidArgument:
    """The mistake as a sentence, with the argument it is about and what to do."""
    kind, path = error.kind.name, [str(step) for step in error.instance_path]
    facts = error.kind.as_dict()
    if kind == "required":
        path.append(str(facts["property"]))
        return InvalidArgument(f"'{_at(path)}' is missing.", field=_at(path), hint=f"Pass '{path[-1]}'.")
    if kind in ("additionalProperties", "unevaluatedProperties"):
        unknown = [_shorten(str(name)) for name in facts["unexpected"]][:5]
        known = ", ".join(sorted(schema.get("properties", {}))) if not path else ""
        return InvalidArgument(
            f"The tool has no argument '{unknown[0]}'.",
            field=_at([*path, unknown[0]]),
            hint=f"{KNOWN}{known}." if known else "Leave it out.",
        )
    name = _at(path) or "arguments"
    return InvalidArgument(f"'{name}' {_sentence(kind, facts)}.", field=name, hint=_advice(kind, facts))


def _sentence(kind: str, facts: Mapping[str, Any]) -> str:
    match kind:
        case "type":
            return "must be " + " or ".join(facts["types"])
        case "enum":
            return "must be one of " + _shorten(", ".join(map(str, facts["options"])), 300)
        case "const":
            return "does not have the one value that is allowed"
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            return f"must be {_BOUNDS[kind]} {facts['limit']}"
        case "minLength" | "maxLength":
            return f"must have {'at least' if kind == 'minLength' else 'at most'} {facts['limit']} characters"
        case "minItems" | "maxItems":
            return f"must have {'at least' if kind == 'minItems' else 'at most'} {facts['limit']} entries"
        case "pattern":
            return f"does not match the pattern {_shorten(str(facts['pattern']))}"
        case "format":
            return f"is not a {facts['format']}"
        case _:
            return f"does not fit the tool's schema ({kind})"


def _advice(kind: str, facts: Mapping[str, Any]) -> str:
    if kind == "type" and "string" not in facts["types"]:
        return "Send the JSON value itself, not its text."
    if kind == "format" and facts["format"] in ("date", "date-time"):
        return "Write it like 2026-02-24." if facts["format"] == "date" else "Write it like 2026-02-24T09:00:00Z."
    return "See the tool's inputSchema."


def _at(path: list[str]) -> str:
    return _shorten(".".join(path))


def _shorten(text: str, limit: int = MAX_SHOWN) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= limit else shown[:limit] + "…"
