"""What a definition from outside must look like before it may even be offered to a person for approval.

Bounds on size, depth, number of subschemas and on the work a validator could be made to do; no reference to anything
outside; patterns for a linear engine only; no characters that a reviewer cannot see. A finding is one sentence.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from tradepost.foundation.canonical import canonical
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.nesting import deeper_than
from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.names import is_tool_name
from tradepost.hub.registry.schema_check import compile_schema
from tradepost.hub.registry.schema_weight import patterns_in
from tradepost.hub.registry.schema_work import runs_in_circles, work_of
from tradepost.protocol.parameter_headers import header_parameters

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_SUBSCHEMAS = 1_000
MAX_WORK = 2_000
MAX_PATTERNS = 50_000  # in weight: compiling them takes a tenth of a second
MAX_TOOLS = 1_024
MAX_URI = 2_048
DIALECTS = frozenset(
    (
        "https://json-schema.org/draft/2020-12/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/draft-07/schema",
    )
)
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_MISSING = object()
# An image of a client's own making, or one that it gets by TLS; SVG is a program.
_ICON = re.compile(r"https://[^/@\s]+(/\S*)?|data:image/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]*")


def tool_finding(definition: Mapping[str, Any]) -> str | None:
    """Why a tool cannot be approved; None when nothing stands against it."""
    return outward_finding(definition) or _schemas_finding(definition)


def outward_finding(definition: Mapping[str, Any]) -> str | None:
    """What stands against a tool whatever its schemas are."""
    if not is_tool_name(definition.get("name")):
        return "Its name is not 1 to 128 letters, digits, '_', '-' or '.'."
    return _general_finding(definition)


def _schemas_finding(definition: Mapping[str, Any]) -> str | None:
    schema = definition.get("inputSchema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return "Its inputSchema is not a schema of an object."
    finding = schema_finding(schema, "inputSchema")
    output = definition.get("outputSchema", _MISSING)
    if finding is None and output is not _MISSING:
        if not isinstance(output, dict):
            return "Its outputSchema is not a schema."
        finding = schema_finding(output, "outputSchema")
    if finding is not None:
        return finding
    try:
        header_parameters(schema)
    except ValueError as error:
        return f"Its inputSchema mirrors arguments into headers in a way that is not allowed: {error}"
    return None


def content_finding(definition: Mapping[str, Any], key: str) -> str | None:
    """The same for a resource, template or prompt, whose name or URI stands under `key`."""
    value = definition.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_URI or not value.isprintable():
        return f"Its {key} is not a text of at most {MAX_URI} characters."
    if key != "name" and (":" not in value or value.lower().startswith("file:") or ".." in value):
        return f"Its {key} is no URI that may be offered."
    return _general_finding(definition)


def schema_finding(schema: Mapping[str, Any], where: str) -> str | None:
    """Why a schema is refused."""
    dialect = schema.get("$schema")
    if dialect is not None and (not isinstance(dialect, str) or dialect.rstrip("#") not in DIALECTS):
        return f"Its {where} uses a schema dialect that is not supported (2020-12, 2019-09 and draft-07 are)."
    for count, node in enumerate(_objects(schema), start=1):
        if count > MAX_SUBSCHEMAS:
            return f"Its {where} has more than {MAX_SUBSCHEMAS} parts."
        if "$id" in node and node is not schema:
            return f"Its {where} has an $id inside."
        for keyword in _REFERENCES:
            target = node.get(keyword)
            if isinstance(target, str) and target != "#" and not target.startswith("#/"):
                return f"Its {where} refers to something outside itself, which is never fetched."
    if runs_in_circles(schema):
        return f"Its {where} refers back to itself without going deeper into the value."
    if work_of(schema, MAX_DEPTH, MAX_WORK) > MAX_WORK:
        return f"Its {where} nests alternatives so deep that checking a value could take very long."
    if patterns_in(schema) > MAX_PATTERNS:
        return f"Its {where} has patterns so large that preparing them could take very long."
    try:
        compile_schema(schema)
    except InvalidArgument as error:
        return f"Its {where} is not valid: {error.message}"
    return None


def form_finding(definition: Mapping[str, Any]) -> str | None:
    """Why a definition cannot even be kept to be looked at."""
    try:
        if deeper_than(definition, MAX_DEPTH):  # first: what nests very deep, nobody writes either
            return f"It is nested deeper than {MAX_DEPTH} levels."
        if len(orjson.dumps(definition)) > MAX_BYTES:
            return f"It is larger than {MAX_BYTES} bytes."
        canonical(definition)
    except (orjson.JSONEncodeError, InvalidArgument):
        return "It holds a value that JSON cannot carry exactly."
    return None


def _general_finding(definition: Mapping[str, Any]) -> str | None:
    finding = form_finding(definition)
    if finding is not None:
        return finding
    if any(clean(text, len(text)) != text for text in _texts(definition)):
        return "Its text has characters that a reader cannot see (control, direction, tag or filler characters)."
    if not _shows_harmless_icons(definition):
        return "It has an icon that is neither fetched by https nor a plain image inside of it."
    return None


def _shows_harmless_icons(definition: Mapping[str, Any]) -> bool:
    icons = definition.get("icons", [])
    if not isinstance(icons, list) or not all(isinstance(icon, dict) for icon in icons):
        return False
    return all(isinstance(icon.get("src"), str) and _ICON.fullmatch(icon["src"]) for icon in icons)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            yield part
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


def _texts(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            yield from part
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
