"""The shape of an operation's answers, where the document is clear about it: one JSON schema for each way of success.

Anything else, and it is left out: an answer that was not described must not be withheld.
"""

from typing import Any

from tradepost.hub.registration.openapi.references import Document, Unusable
from tradepost.hub.registration.openapi.schemas import schema_of, size_of
from tradepost.hub.upstreams.rest.answers import is_json
from tradepost.hub.upstreams.rest.fields import only_schema, tree_of

Json = dict[str, Any]

MAX_BYTES = 6_000
_ROOM = 8  # times as much before the fields are chosen


def output_schema(document: Document, node: Json, fields: list[str]) -> Json | None:
    """The outputSchema of an operation; None where none would be sound."""
    try:
        found = _success(document, node)
    except Unusable:
        return None
    if found is None:
        return None
    try:
        schema = schema_of(document, found, "out", MAX_BYTES * _ROOM if fields else MAX_BYTES)
    except Unusable:
        return None
    schema = only_schema(schema, tree_of(fields))
    if size_of(schema) > MAX_BYTES:
        return None
    if schema.get("type") == "object":
        return dict(schema)
    if schema.get("type") == "array":
        return {"type": "object", "properties": {"result": schema}, "required": ["result"]}
    return None


def _success(document: Document, node: Json) -> Any:
    """The one schema of all answers that say yes; None where there is not exactly one."""
    responses = node.get("responses")
    if not isinstance(responses, dict):
        return None
    schemas: list[Any] = []
    for status, response in responses.items():
        if not str(status).startswith("2"):
            continue
        content = document.object(response).get("content")
        kinds = content if isinstance(content, dict) else {}
        of_json = [
            media.get("schema")
            for kind, media in kinds.items()
            if isinstance(media, dict) and is_json(str(kind).partition(";")[0].strip().lower())
        ]
        if len(of_json) != 1 or len(kinds) != 1 or of_json[0] is None:
            return None
        schemas.append(of_json[0])
    same = bool(schemas) and all(schema == schemas[0] for schema in schemas)
    return schemas[0] if same else None
