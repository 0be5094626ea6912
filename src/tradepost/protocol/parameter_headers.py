"""Tool arguments mirrored into `Mcp-Param-*` headers: which ones a schema names, how a client sends them, how a server
compares them with the body (2026-07-28, Streamable HTTP, "Custom Headers from Tool Parameters").
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tradepost.protocol.headers import decode_value, encode_value

KEYWORD = "x-mcp-header"
PREFIX = "mcp-param-"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TYPES = ("string", "integer", "boolean")
_DECIMAL = re.compile(r"(?P<whole>-?[0-9]{1,400})(\.0+)?")
_DATA_KEYWORDS = frozenset({"default", "examples", "const", "enum", "$comment", "description", "title"})
_MAPS = frozenset({"patternProperties", "dependentSchemas", "$defs", "definitions"})


@dataclass(frozen=True, slots=True)
class HeaderParameter:
    """An argument that is mirrored: its path in the arguments, the header, the declared type."""

    path: tuple[str, ...]
    header: str
    kind: str


def header_parameters(schema: Any) -> tuple[HeaderParameter, ...]:
    """The mirrored arguments of a tool's inputSchema. Raises ValueError for a declaration that the protocol forbids:
    such a tool must be left out."""
    found: dict[str, HeaderParameter] = {}
    for path, node in _positions(schema):
        token = node.get(KEYWORD)
        if KEYWORD not in node:
            continue
        if not path:
            raise ValueError(f"{KEYWORD} stands where no chain of properties leads.")
        where, kind = ".".join(path), node.get("type")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise ValueError(f"{KEYWORD} of {where!r} is no valid header name.")
        if kind not in _TYPES:
            raise ValueError(f"{KEYWORD} of {where!r} needs a property of type string, integer or boolean.")
        header = PREFIX + token.lower()
        if header in found:
            raise ValueError(f"{KEYWORD} {token!r} of {where!r} stands twice in the schema.")
        found[header] = HeaderParameter(path, header, str(kind))
    return tuple(found.values())


def emitted(parameters: tuple[HeaderParameter, ...], arguments: Mapping[str, Any]) -> dict[str, str]:
    """The headers a client sends with these arguments."""
    headers: dict[str, str] = {}
    for parameter in parameters:
        text = _text(_value(arguments, parameter.path))
        if text is not None:
            headers[parameter.header] = encode_value(text)
    return headers


def mismatch(
    parameters: tuple[HeaderParameter, ...], arguments: Mapping[str, Any], headers: Mapping[str, str]
) -> str | None:
    """What is wrong between body and headers, None when they agree."""
    for parameter in parameters:
        value = _value(arguments, parameter.path)
        text, sent = _text(value), headers.get(parameter.header)
        argument = ".".join(parameter.path)
        if sent is None and text is None:
            continue
        if sent is None:
            return f"{parameter.header} is missing, but the body has the argument {argument!r}"
        decoded = decode_value(sent)
        if decoded is None:
            return f"{parameter.header} has invalid characters"
        if text is None or not _same(parameter.kind, value, text, decoded):
            return f"{parameter.header} does not match the argument {argument!r} of the body"
    return None


def _positions(root: Any) -> Iterator[tuple[tuple[str, ...] | None, dict[str, Any]]]:
    """Every schema in a schema, with its chain of property names; None once the chain is broken."""
    stack: list[tuple[tuple[str, ...] | None, Any]] = [((), root)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, list):
            stack.extend((None, part) for part in node)
        if not isinstance(node, dict):
            continue
        yield path, node
        for keyword, below in node.items():
            if keyword == "properties" and isinstance(below, dict):
                stack.extend(((*path, name) if path is not None else None, part) for name, part in below.items())
            elif keyword in _MAPS and isinstance(below, dict):
                stack.extend((None, part) for part in below.values())
            elif keyword not in _DATA_KEYWORDS and isinstance(below, dict | list):
                stack.append((None, below))


def _value(arguments: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    node: Any = arguments
    for name in path:
        if not isinstance(node, Mapping):
            return None
        node = node.get(name)
    return node


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _same(kind: str, value: Any, text: str, decoded: str) -> bool:
    """Integers are compared as numbers (42 and 42.0 are equal), everything else as text."""
    number = _DECIMAL.fullmatch(decoded)
    if kind == "integer" and number and isinstance(value, int | float) and not isinstance(value, bool):
        return value == int(number["whole"])
    return decoded == text
