"""From bytes to an OpenAPI document: JSON or YAML, bounded before anything walks through it."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

import orjson

from tradepost.foundation.errors import InvalidArgument

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
    yaml, loader = _yaml()
    try:
        value = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise _wrong(f"is not YAML{where}: {str(getattr(error, 'problem', None) or 'cannot be read')[:120]}") from None
    except (RecursionError, ValueError, TypeError):
        raise _wrong("is YAML that cannot be read as JSON") from None
    return _bounded(value)


_RULES = (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]{1,18}$", list("-+0123456789")),
    ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
    ("merge", r"^<<$", ["<"]),
)


@cache
def _yaml() -> tuple[Any, Any]:
    """The parser, loaded with the first document that needs it, with the rules of YAML 1.2: `no` is a word and a date
    is a text. Merge keys are refused: a few lines of them grow without end."""
    yaml = import_module("yaml")
    loader: Any = type("_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {"yaml_implicit_resolvers": {}})
    for tag, rule, first in _RULES:
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rule), first)

    def whole_number(reader: Any, node: Any) -> int:
        return int(reader.construct_scalar(node))

    def refuse_merging(reader: Any, node: Any) -> None:
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                why = "it has merge keys (<<), which are not read"
                raise yaml.constructor.ConstructorError(None, None, why, key.start_mark)

    loader.add_constructor("tag:yaml.org,2002:int", whole_number)
    loader.flatten_mapping = refuse_merging
    return yaml, loader


def _bounded(value: Any) -> Any:
    """The value with texts as keys. What is repeated by alias counts each time."""
    count = 0
    level = [value]
    for _ in range(MAX_DEPTH):
        following: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                _name_keys(part)
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


def _name_keys(part: dict[Any, Any]) -> None:
    if all(type(key) is str for key in part):
        return
    named = {key if isinstance(key, str) else orjson.dumps(key).decode(): inner for key, inner in part.items()}
    part.clear()
    part.update(named)


def _wrong(what: str, hint: str = "Mend it, or give another one.") -> InvalidArgument:
    return InvalidArgument(f"The document {what}.", field="document", hint=hint)


def words(node: Mapping[str, Any], name: str) -> str:
    """A text of a document; nothing for what is none."""
    value = node.get(name)
    return value.replace("\r\n", "\n").replace("\r", "\n").strip() if isinstance(value, str) else ""
