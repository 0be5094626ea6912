"""JSON Schemas small enough for a model: no $ref, no titles, no noise (design.md §11: 2 KB in, 4 KB out)."""

from typing import Any

from pydantic import BaseModel, TypeAdapter

from tradepost.foundation.untrusted import MARK

Json = dict[str, Any]

MAX_INPUT_BYTES = 2048
MAX_OUTPUT_BYTES = 4096


def input_schema(model: type[BaseModel]) -> Json:
    """The schema of a tool's arguments."""
    schema = model.model_json_schema(mode="validation")
    cleaned: Json = _clean(schema, schema.get("$defs", {}))
    cleaned.setdefault("properties", {})
    cleaned["additionalProperties"] = False
    return cleaned


def output_schema(annotation: Any) -> Json:
    """The schema of a TypedDict that a tool returns."""
    schema = TypeAdapter(annotation).json_schema(mode="serialization")
    cleaned: Json = _clean(schema, schema.get("$defs", {}))
    return cleaned


def sparse_items(schema: Json) -> Json:
    """The schema of a list whose caller may ask for some `fields` only: no key of an item is promised."""
    schema["properties"]["items"]["items"].pop("required", None)
    return schema


def write_output_schema(annotation: Any) -> Json:
    """A write answers in one envelope: done, a dry run's preview, or the wait for a person. The tool's own fields
    stand beside it and are there once it is done. Raises TypeError when they hide one of the envelope's."""
    envelope = {
        "status": {"type": "string", "enum": ["succeeded", "dry_run", "approval_required"]},
        "replayed": {"type": "boolean"},
        "approval_id": {"type": "string"},
        "expires_at": {"type": "string"},
        "message": {"type": "string"},
        "preview": {"type": "object"},
    }
    own = output_schema(annotation).get("properties", {})
    if hidden := sorted(envelope.keys() & own.keys()):
        raise TypeError(f"{annotation} has {hidden}, which the answer of every write has with a meaning of its own.")
    return {"type": "object", "properties": {**envelope, **own}, "required": ["status"]}


def _clean(node: Any, definitions: Json) -> Any:
    if isinstance(node, list):
        return [_clean(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[1]]
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return _clean({**target, **rest}, definitions)
    cleaned: Json = {}
    for key, value in node.items():
        if key in ("$defs", "title") and not (key == "title" and isinstance(value, dict)):
            continue
        if key == "properties":
            cleaned[key] = {name: _clean(inner, definitions) for name, inner in value.items()}
        elif (key == "additionalProperties" and value is not False) or (key == "default" and value in (None, [], {})):
            continue
        else:
            cleaned[key] = _clean(value, definitions)
    if cleaned.get("properties", {}).keys() == {"untrusted"}:
        cleaned[MARK] = True
    return _without_null(cleaned)


def _without_null(node: Json) -> Json:
    """anyOf [X, null] -> X with null among its types; in arguments pydantic's None default means "left out"."""
    options = node.get("anyOf")
    if not isinstance(options, list) or len(options) != 2 or {"type": "null"} not in options:
        return node
    (other,) = [option for option in options if option != {"type": "null"}] or [{"type": "null"}]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    merged: Json = {**other, **rest}
    if isinstance(merged.get("type"), str):
        merged["type"] = [merged["type"], "null"]
        if "enum" in merged:
            merged["enum"] = [*merged["enum"], None]
    return merged
