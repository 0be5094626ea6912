"""From bytes to an OpenAPI document: JSON or YAML, bounded before anything walks through it."""

from collections.abc import Mapping
from typing import Any

import orjson

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.openapi.yaml_values import read_yaml

MAX_BYTES = 16 * 1024 * 1024
MAX_YAML_BYTES = 6 * 1024 * 1024  # YAML takes a hundred times as long to read
MAX_NODES = 2_000_000
MAX_DEPTH = 200

Json = dict[str, Any]


def read_document(data: bytes) -> Json:
    """The document. Raises InvalidArgument (field "document") with a sentence about what is wrong."""
    if len(data) > MAX_BYTES:
        raise _wrong(f"is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        text = data.decode("utf-8-sig").lstrip()
    except UnicodeDecodeError:
        raise _wrong("is not UTF-8 text") from None
    if text.startswith("<"):
        raise _wrong("is a web page or XML, not JSON or YAML", "Give the address of the document itself.")
    document = _from_json(text) if text.startswith("{") else _from_yaml(text)
    if not isinstance(document, dict):
        raise _wrong("is not an object")
    _check_version(document)
    if not isinstance(document.get("paths", {}), dict):
        raise _wrong("has `paths` that are not an object")
    return document


def _check_version(document: Json) -> None:
    if "swagger" in document:
        raise _wrong("is Swagger 2.0", "Convert it to OpenAPI 3 first, for example with swagger2openapi.")
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith(("3.0", "3.1")):
        said = f"of the version {str(version)[:20]}" if version is not None else "no OpenAPI document"
        raise _wrong(f"is {said}", "Versions 3.0 and 3.1 are read: it begins with `openapi: 3.1.0`.")


def _from_json(text: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _wrong(f"is not JSON: {str(error)[:120]}") from None
    return _bounded(value)


def _from_yaml(text: str) -> Any:
    if len(text) > MAX_YAML_BYTES:
        raise _wrong(f"is YAML of more than {MAX_YAML_BYTES // 1024 // 1024} MiB", "Give it as JSON.")
    return _bounded(read_yaml(text, MAX_DEPTH))


def _bounded(value: Any) -> Any:
    """The value itself. What is repeated by alias counts each time."""
    count = 0
    level = [value]
    for _ in range(MAX_DEPTH):
        following: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                following.extend(part.values())
            elif isinstance(part, list):
                following.extend(part)
        count += len(following)
        if count > MAX_NODES:
            raise _wrong(f"has more than {MAX_NODES} parts")
        if not following:
            return value
        level = [part for part in following if isinstance(part, dict | list)]
    raise _wrong(f"is nested deeper than {MAX_DEPTH} levels")


def _wrong(what: str, hint: str = "Mend it, or give another one.") -> InvalidArgument:
    return InvalidArgument(f"The document {what}.", field="document", hint=hint)


def words(node: Mapping[str, Any], name: str) -> str:
    """A text of a document; nothing for what is none."""
    value = node.get(name)
    return value.replace("\r\n", "\n").replace("\r", "\n").strip() if isinstance(value, str) else ""
