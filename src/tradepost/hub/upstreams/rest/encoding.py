"""Arguments into the parts of an HTTP request, so that none of them can become more than it is: a path argument stays
in its segment, a query argument in its parameter, a header argument on its line."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import orjson

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.upstreams.rest.plan import Body, Parameter, Plan, QueryPart
from tradepost.hub.vault.header_rules import is_header_value

FORM = "application/x-www-form-urlencoded"
MAX_TARGET = 16 * 1024  # characters of path and query

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
_UNPACKINGS = 3  # how often servers and what stands before them may decode a path, each once more

Json = dict[str, Any]
Pairs = Iterator[tuple[str, str]]


class Encoded(NamedTuple):
    """What a request consists of. `target` is path and query, `headers` are those that arguments gave."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def encoded(plan: Plan, arguments: Json, base_path: str, secret_query: Sequence[QueryPart] = ()) -> Encoded:
    """The request of a plan with these arguments. Raises InvalidArgument for what cannot be sent as it is."""
    given = {name: value for name, value in arguments.items() if value is not None}
    target = ("" if plan.get("rooted") else base_path.rstrip("/")) + _path(plan, given)
    asked = [one for one in plan["parameters"] if one["place"] == "query"]
    taken = {one["name"] for one in asked} | {part.name for part in secret_query}
    query = "&".join(
        [
            *(pair for one in asked for pair in _query(one, given, taken)),
            *(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in secret_query),
        ]
    )
    whole = f"{target}?{query}" if query else target
    if len(whole) > MAX_TARGET:
        raise InvalidArgument(f"Path and query would have more than {MAX_TARGET} characters.", hint="Ask for less.")
    headers = {one["name"].lower(): text for one in plan["parameters"] if (text := _header(one, given)) is not None}
    body, kind = _body(plan.get("body"), arguments)
    return Encoded(plan["method"], whole, {**headers, "content-type": kind} if kind else headers, body)


# --- path ------------------------------------------------------------------------------------------------------------


def _path(plan: Plan, given: Json) -> str:
    named = {one["name"]: one for one in plan["parameters"] if one["place"] == "path"}

    def segment(match: re.Match[str]) -> str:
        parameter = named[match[1]]
        if parameter["argument"] not in given:
            raise _refused(parameter["argument"], "is a part of the address, and missing")
        text = _one_text(parameter, given[parameter["argument"]])
        if not text:
            raise _refused(parameter["argument"], "is a part of the address, and must not be empty")
        return text

    path = "/".join(_checked(_VARIABLE.sub(segment, part), part) for part in plan["path"].split("/"))
    return path if path.startswith("/") else f"/{path}"


def _checked(segment: str, template: str) -> str:
    """A segment that stays one for whoever decodes it, once or more often."""
    if segment == template:
        return segment
    text = segment
    for _ in range(_UNPACKINGS):
        text = unquote(text)
        if any(part in (".", "..") for part in re.split(r"[/\\]", text)):
            match = _VARIABLE.search(template)
            raise _refused(match[1] if match else template, "has a part '.' or '..', which would leave its place")
    return segment


# --- query and headers -----------------------------------------------------------------------------------------------


def _query(parameter: Parameter, given: Json, taken: Set[str]) -> Iterator[str]:
    if parameter["argument"] not in given:
        return
    value, style, name = given[parameter["argument"]], parameter["style"], _quoted(parameter, parameter["name"])
    if style == "json":
        yield f"{name}={_quoted(parameter, orjson.dumps(value).decode())}"
    elif style == "deepObject" and isinstance(value, dict):
        for key, text in _deep(parameter["name"], value):
            yield f"{_quoted(parameter, key)}={_quoted(parameter, text)}"
    elif isinstance(value, list) and parameter["explode"]:
        for item in value:
            yield f"{name}={_quoted(parameter, _scalar(item))}"
    elif isinstance(value, dict) and parameter["explode"]:
        for key, item in value.items():
            if key in taken:
                raise _refused(parameter["argument"], f"has a member '{key[:60]}', which is another parameter's name")
            yield f"{_quoted(parameter, key)}={_quoted(parameter, _scalar(item))}"
    else:
        yield f"{name}={_one_text(parameter, value)}"


def _one_text(parameter: Parameter, value: Any) -> str:
    """A value as one quoted text: lists and objects with the separator of their style, which itself is not quoted."""
    separator = _SEPARATORS.get(parameter["style"], ",")
    if isinstance(value, list):
        return separator.join(_quoted(parameter, _scalar(item)) for item in value)
    if isinstance(value, dict):
        pairs = [(_quoted(parameter, key), _quoted(parameter, _scalar(item))) for key, item in value.items()]
        joined = "=" if parameter["explode"] else separator
        return separator.join(f"{key}{joined}{item}" for key, item in pairs)
    return _quoted(parameter, _scalar(value))


def _header(parameter: Parameter, given: Json) -> str | None:
    """The value of a header, None for a parameter that is none."""
    if parameter["place"] != "header" or parameter["argument"] not in given:
        return None
    value = given[parameter["argument"]]
    if parameter["style"] == "json":
        text = orjson.dumps(value).decode()
    elif isinstance(value, list):
        text = ",".join(map(_scalar, value))
    elif isinstance(value, dict):
        joined = "=" if parameter["explode"] else ","
        text = ",".join(f"{key}{joined}{_scalar(item)}" for key, item in value.items())
    else:
        text = _scalar(value)
    if not is_header_value(text):
        raise _refused(parameter["argument"], "travels in a header, which carries visible ASCII text on one line alone")
    return text


# --- body ------------------------------------------------------------------------------------------------------------


def _body(body: Body | None, arguments: Json) -> tuple[bytes, str]:
    """The bytes and their media type; nothing where nothing was given and nothing is needed."""
    if body is None:
        return b"", ""
    value: Any
    if "whole" in body:
        if body["whole"] not in arguments and not body["required"]:
            return b"", ""
        value = arguments.get(body["whole"])
    else:
        value = {name: arguments[key] for key, name in body.get("members", {}).items() if key in arguments}
        if not value and not body["required"]:
            return b"", ""
    if body["type"] == FORM:
        if not isinstance(value, dict):
            raise _refused(body.get("whole", "body"), "is sent as a form, and is no object")
        pairs = (pair for key, item in value.items() for pair in _deep(key, item))
        return "&".join(f"{quote(key, safe='')}={quote(text, safe='')}" for key, text in pairs).encode(), FORM
    return orjson.dumps(value), body["type"]


def _deep(name: str, value: Any) -> Pairs:
    """name[key][inner]=text, and name[]=text for each item of a list of an object's."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _deep(f"{name}[{key}]", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _deep(f"{name}[{index}]" if isinstance(inner, Mapping | list) else f"{name}[]", inner)
    elif value is not None:
        yield name, _scalar(value)


# --- values ----------------------------------------------------------------------------------------------------------


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _quoted(parameter: Parameter, text: str) -> str:
    if "\x00" in text:
        raise _refused(parameter["argument"], "holds a NUL character")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise _refused(parameter["argument"], "is not valid Unicode text") from None


def _refused(argument: str, why: str) -> InvalidArgument:
    return InvalidArgument(
        f"'{argument[:60]}' {why}.", field=argument[:60], hint="Nothing was sent. Call again with another value."
    )
