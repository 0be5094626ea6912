"""YAML as plain values, with the rules of YAML 1.2: `no` is a word and a date is a text.

Built from the parser's events and never by recursion: a document of ten thousand opening brackets would end the process
in the library's own composer. What JSON does not have is refused, and so are merge keys: a few lines of them grow
without end.
"""

import re
from importlib import import_module
from typing import Any

from tradepost.foundation.errors import InvalidArgument

_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_PLAIN_TAGS = (None, "!", *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq")))


class _Open:
    """A list or object that is being read; `key` is that of the member that comes next."""

    __slots__ = ("anchor", "key", "value")

    def __init__(self, value: dict[str, Any] | list[Any], anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None


class _Builder:
    """Takes events one after the other; `root` is the value in the end."""

    def __init__(self, max_depth: int) -> None:
        self.root: Any = None
        self._max_depth = max_depth
        self._stack: list[_Open] = []
        self._named: dict[str, Any] = {}
        self._documents = 0

    def take(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "ScalarEvent":
            is_key = bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None
            value = _scalar(event, is_key=is_key)
            if event.anchor is not None:
                self._named[event.anchor] = value
            self._put(value, event)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            if len(self._stack) >= self._max_depth:
                raise _wrong(event, f"it is nested deeper than {self._max_depth} levels")
            if event.tag not in _PLAIN_TAGS:
                raise _wrong(event, "it has a tag, which is not read")
            self._stack.append(_Open({} if kind == "MappingStartEvent" else [], event.anchor))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            done = self._stack.pop()
            if done.anchor is not None:
                self._named[done.anchor] = done.value
            self._put(done.value, event)
        elif kind == "AliasEvent":
            if event.anchor not in self._named:
                raise _wrong(event, "an alias has no anchor that is complete before it")
            self._put(self._named[event.anchor], event)
        elif kind == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise _wrong(event, "it holds more than one document")

    def _put(self, value: Any, event: Any) -> None:
        if not self._stack:
            self.root = value
            return
        place = self._stack[-1]
        if isinstance(place.value, list):
            place.value.append(value)
        elif place.key is not None:
            place.value[place.key], place.key = value, None
        elif isinstance(value, str):
            place.key = value
        else:
            raise _wrong(event, "a key is no text")


def read_yaml(text: str, max_depth: int) -> Any:
    """The value of a text. Raises InvalidArgument (field "document")."""
    yaml = import_module("yaml")  # loaded with the first document that needs it
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(max_depth)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read")
        raise _refused(mark, problem[:120]) from None
    return builder.root


def _scalar(event: Any, *, is_key: bool) -> Any:
    text: str = event.value
    if event.tag not in _PLAIN_TAGS:
        raise _wrong(event, "it has a tag, which is not read")
    is_plain = event.implicit[0] and event.tag is None
    if is_key:
        if is_plain and text == "<<":
            raise _wrong(event, "it has merge keys (<<), which are not read")
        return text
    if not is_plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _wrong(event: Any, why: str) -> InvalidArgument:
    return _refused(event.start_mark, why)


def _refused(mark: Any, why: str) -> InvalidArgument:
    where = f" in line {mark.line + 1}" if mark is not None else ""
    return InvalidArgument(
        f"The document is not YAML that can be read{where}: {why}.", field="document", hint="Mend it, or give JSON."
    )
