"""Reading a configuration file: YAML in its plain form or JSON, strictly, and with the place of everything that is
wrong.

Of YAML there are mappings, lists and scalars. Anchors, aliases, tags and several documents are refused, so a file is as
large as it looks. Plain scalars are read as JSON would: `yes` is a text, and so is a date.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml
from pydantic import ValidationError

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.configuration.document import FORMAT_VERSION, Document

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 60
MAX_NODES = 1_000_000

Path = tuple[str | int, ...]
Mark = tuple[int, int]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,39})")
_FLOAT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]{1,3})?")
_IMPOSSIBLE = re.compile("[\0\ud800-\udfff]")
_WORDS: Mapping[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Read:
    """A file as it was read. `marks` are line and column, from 1, of what stands in it."""

    document: Document
    marks: Mapping[Path, Mark] = field(default_factory=dict)

    def wrong(self, path: Path, message: str, hint: str | None = None) -> InvalidArgument:
        """The error about something in the file."""
        return _wrong(self.marks, path, message, hint)


def read_text(text: bytes) -> Read:
    """A file of YAML or JSON. Raises InvalidArgument with line, column and member."""
    if len(text) > MAX_BYTES:
        raise InvalidArgument(f"The file is larger than {MAX_BYTES // 1024 // 1024} MiB.", field="file")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"The file is not UTF-8: byte {error.start + 1}.", field="file") from None
    built = _Builder()
    try:
        for event in yaml.parse(decoded, Loader=_LOADER):
            built.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"Line {mark.line + 1}, column {mark.column + 1}" if mark is not None else "The file"
        raise InvalidArgument(f"{place}: not YAML: {error.problem or 'it cannot be read'}.", field="file") from None
    except yaml.YAMLError as error:
        raise InvalidArgument(f"Not YAML: {clean(str(error), 200)}.", field="file") from None
    return read_value(built.value, built.marks)


def read_value(value: Any, marks: Mapping[Path, Mark] | None = None) -> Read:
    """A document out of plain values. Raises InvalidArgument."""
    marks = marks or {}
    if not isinstance(value, dict):
        raise _wrong(marks, (), "A configuration is a mapping.", "Export one to see how it looks: tradepost export")
    said = value.get("format_version")
    if said != FORMAT_VERSION or isinstance(said, bool):
        raise _wrong(
            marks,
            ("format_version",),
            f"This release reads the format version {FORMAT_VERSION}"
            + (f", not {clean(str(said), 40)}." if "format_version" in value else ", and the file says none."),
            f"Begin the file with: format_version: {FORMAT_VERSION}",
        )
    try:
        return Read(Document.model_validate(value), marks)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[0]
        path = found["loc"] if found["type"] == "missing" else _there(value, found["loc"])
        raise _wrong(marks, path, _message(found["type"], str(found["msg"]), path)) from None


def _there(value: Any, path: Path) -> Path:
    """The part of a path that is in a value: behind it are names of the types that were tried."""
    for depth, part in enumerate(path):
        is_there = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)
        if not is_there:
            return path[:depth]
        value = value[part]
    return path


def _message(kind: str, said: str, path: Path) -> str:
    if kind == "extra_forbidden":
        return f"There is no member '{clean(str(path[-1]), 60)}' here."
    if kind == "missing":
        return f"The member '{path[-1]}' is missing."
    if kind == "bool_type":
        return "It is true or false."
    return clean(said, 200) + "."


def written(path: Path) -> str:
    """`servers[0].tools[2].digest`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{clean(part, 60)}" for part in path)
    return text.removeprefix(".")


def _wrong(marks: Mapping[Path, Mark], path: Path, message: str, hint: str | None = None) -> InvalidArgument:
    near = path
    while near and near not in marks:
        near = near[:-1]
    where = written(path)
    mark = marks.get(near)
    if mark is not None:
        place = f"Line {mark[0]}, column {mark[1]}" + (f" ({where})" if where else "")
        return InvalidArgument(f"{place}: {message}", hint=hint, field=where or "file")
    return InvalidArgument(f"{where}: {message}" if where else message, hint=hint, field=where or "file")


class _Builder:
    """Makes plain values of a parser's events, without recursion."""

    def __init__(self) -> None:
        self.value: Any = None
        self.marks: dict[Path, Mark] = {}
        self._open: list[tuple[Any, Path]] = []
        self._key: list[str | None] = []
        self._documents = 0
        self._nodes = 0

    def take(self, event: Any) -> None:
        """The next event. Raises InvalidArgument."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._refuse(event, "the file holds several documents, and one is expected")
        elif isinstance(event, yaml.AliasEvent):
            self._refuse(event, "aliases are not read; write the value out")
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._key.pop()

    def _node(self, event: Any) -> None:
        self._nodes += 1
        if event.anchor is not None:
            self._refuse(event, "anchors are not read; write the value out")
        if event.tag not in (None, "!") and not _is_implied(event):
            self._refuse(event, f"the tag {clean(str(event.tag), 60)} is not read")
        if self._nodes > MAX_NODES:
            self._refuse(event, f"the file has more than {MAX_NODES} values")
        if isinstance(event, yaml.ScalarEvent):
            if self._open and self._awaits_key():
                self._take_key(event)
            else:
                self._put(event, self._scalar(event))
            return
        if self._open and self._awaits_key():
            self._refuse(event, "a member's name is a text")
        if len(self._open) >= MAX_DEPTH:
            self._refuse(event, f"the file is nested deeper than {MAX_DEPTH} levels")
        made: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append((made, self._put(event, made)))
        self._key.append(None)

    def _awaits_key(self) -> bool:
        return isinstance(self._open[-1][0], dict) and self._key[-1] is None

    def _take_key(self, event: Any) -> None:
        mapping, path = self._open[-1]
        if event.value in mapping:
            self._refuse(event, f"the member '{clean(event.value, 60)}' stands twice")
        self._key[-1] = event.value
        self.marks[(*path, event.value)] = _mark(event)

    def _put(self, event: Any, value: Any) -> Path:
        if not self._open:
            self.value = value
            self.marks[()] = _mark(event)
            return ()
        around, path = self._open[-1]
        if isinstance(around, list):
            around.append(value)
            own = (*path, len(around) - 1)
            self.marks[own] = _mark(event)
            return own
        name = self._key[-1] or ""
        around[name] = value
        self._key[-1] = None
        return (*path, name)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if _IMPOSSIBLE.search(text):
            self._refuse(event, "a text has a character that none may have")
        if event.style or event.tag == "!":
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if number in (float("inf"), float("-inf")):
                self._refuse(event, "a number is too large")
            return number
        return text

    def _refuse(self, event: Any, why: str) -> NoReturn:
        line, column = _mark(event)
        raise InvalidArgument(f"Line {line}, column {column}: {why}.", field="file")


def reads_as_number(text: str) -> bool:
    """Whether a scalar without quotes is a number: a text that looks so needs them."""
    return _INTEGER.fullmatch(text) is not None or _FLOAT.fullmatch(text) is not None


def _is_implied(event: Any) -> bool:
    """Whether a tag is one that the parser thought of itself."""
    implicit = event.implicit
    return any(implicit) if isinstance(implicit, tuple) else bool(implicit)


def _mark(event: Any) -> Mark:
    return event.start_mark.line + 1, event.start_mark.column + 1
