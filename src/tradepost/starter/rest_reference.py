"""The reference page of the REST API, written from its OpenAPI document."""

import json
from collections.abc import Iterator
from typing import Any

from tradepost.api.application import document

HEAD = """# REST API

The document itself, with every shape in full, is at `/api/v1/openapi.json` of a running hub.

*Who*: the least role of a person's key and, in brackets, the scope that a key limited to scopes needs.
"""

Json = dict[str, Any]


def rest() -> str:
    """Every request of the REST API: who may send it, what it takes and what it gives."""
    whole: Json = json.loads(document())
    return "\n".join([HEAD, *_subjects(whole), *_shapes(whole)])


def _subjects(whole: Json) -> Iterator[str]:
    for tag in whole["tags"]:
        yield f"## {tag['name'].capitalize()}\n\n{tag['description']}\n"
        yield "| request | who | what it does | takes | gives |\n|---|---|---|---|---|"
        for path, operations in whole["paths"].items():
            for method, operation in operations.items():
                if operation["tags"] == [tag["name"]]:
                    yield _row(path, method, operation)
        yield ""


def _row(path: str, method: str, operation: Json) -> str:
    cells = [
        f"`{method.upper()} {path}`",
        _who(operation["x-access"]),
        _line(operation["description"]),
        _takes(operation),
        _gives(operation),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _who(access: Json) -> str:
    if access["role"] is None:
        return f"any key with `{access['scope']}`" if access["scope"] else "any key"
    agents = ", agents their own" if access["agents"] else ""
    return f"{access['role']} (`{access['scope']}`){agents}"


def _takes(operation: Json) -> str:
    named = [f"`{one['name']}`" for one in operation.get("parameters", []) if one["in"] == "query"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return ", ".join([*named, *([_shape(body)] if body else [])])


def _gives(operation: Json) -> str:
    good = [status for status in operation["responses"] if status < "300"]
    return ", ".join(_answer(status, operation["responses"][status]) for status in good)


def _answer(status: str, answer: Json) -> str:
    shape = answer.get("content", {}).get("application/json", {}).get("schema")
    return f"{status} {_shape(shape)}".strip() if shape else status


def _shapes(whole: Json) -> Iterator[str]:
    yield "## Shapes\n"
    for name, shape in sorted(whole["components"]["schemas"].items()):
        yield f"### {name}\n\n{_line(shape.get('description', ''))}\n\n| field | type | meaning |\n|---|---|---|"
        required = shape.get("required", [])
        for field, inner in shape.get("properties", {}).items():
            mark = "" if field in required else " (may be left out)"
            yield f"| `{field}`{mark} | {_shape(inner)} | {_line(inner.get('description', ''))} |"
        yield ""


def _shape(shape: Json) -> str:
    if "$ref" in shape:
        name = shape["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in shape:
        return " or ".join(dict.fromkeys(_shape(one) for one in shape["anyOf"]))
    if "enum" in shape or "const" in shape:
        return " or ".join(f"`{one}`" for one in shape.get("enum", [shape.get("const")]))
    if shape.get("type") == "array":
        return f"list of {_shape(shape.get('items', {}))}"
    return str(shape.get("format") or shape.get("type") or "any JSON")


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
