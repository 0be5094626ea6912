"""Reading a dataset: YAML or JSON, strictly, and with the line of whatever is wrong.

Plain scalars are read as JSON would: `no` is a text, and so is a date. Anchors may be used; merge keys may not.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tradepost.agents.evals.datasets.schema import Dataset
from tradepost.foundation.errors import InvalidArgument, NotFound

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 40
MAX_NODES = 500_000
BUILT_IN = Path(__file__).parent / "files"

Place = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]{1,3})?")
_WORDS: Mapping[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_SIGNS = re.compile("[\0\ud800-\udfff]")
_HINT = "docs/how-to/evaluate-agents.md says what a dataset may have; `tradepost eval schema` prints its JSON schema."


def built_in() -> list[str]:
    """The names of the datasets that come along."""
    return sorted(file.stem for file in BUILT_IN.glob("*.yaml"))


def schema_of() -> dict[str, Any]:
    """The JSON schema of datasets, for editors that complete and check as one writes."""
    return Dataset.model_json_schema()


def read_dataset(file: Path) -> Dataset:
    """A dataset. Raises NotFound, InvalidArgument with the line."""
    try:
        content = file.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise NotFound(
            f"There is no dataset {file}.",
            hint=f"Name a YAML file, a folder of retail tasks, or one that comes along: {', '.join(built_in())}.",
        ) from None
    return parse(content, file.name)


def parse(content: bytes, name: str) -> Dataset:
    """A dataset out of what a file of this name has. Raises InvalidArgument."""
    if len(content) > MAX_BYTES:
        raise InvalidArgument(f"{name} is larger than {MAX_BYTES // 2**20} MiB.", field="file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{name} is not UTF-8: byte {error.start + 1}.", field="file") from None
    nodes = _Nodes(name)
    try:
        value = nodes.value(yaml.compose(text, Loader=_LOADER), (), 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise InvalidArgument(f"{name}{line}: not YAML: {error.problem or error.context}.", field="file") from None
    except (yaml.YAMLError, RecursionError):
        raise InvalidArgument(f"{name}: not YAML that can be read.", hint=_HINT, field="file") from None
    if not isinstance(value, dict):
        raise InvalidArgument(f"{name}: a dataset is a mapping with name and cases.", hint=_HINT, field="file")
    try:
        return Dataset.model_validate(value)
    except ValidationError as error:
        raise _wrong(error, value, nodes.lines, name) from None


class _Nodes:
    """Plain values of a parser's nodes, and the line of each."""

    def __init__(self, name: str) -> None:
        self.lines: dict[Place, int] = {}
        self._name = name
        self._count = 0

    def value(self, node: Any, place: Place, depth: int) -> Any:
        """What a node says."""
        if node is None:
            return None
        self._count += 1
        self.lines.setdefault(place, node.start_mark.line + 1)
        if depth > MAX_DEPTH or self._count > MAX_NODES:
            raise self._refused(node, "it is nested too deep, or larger than anybody could read")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(inner, (*place, at), depth + 1) for at, inner in enumerate(node.value)]
        found: dict[str, Any] = {}
        for key, inner in node.value:
            name = key.value
            if not isinstance(name, str) or name == "<<":
                raise self._refused(key, "a member's name is a text, and merge keys (<<) are not read")
            if name in found:
                raise self._refused(key, f"the member '{name[:60]}' stands twice")
            self.lines[(*place, name)] = key.start_mark.line + 1
            found[name] = self.value(inner, (*place, name), depth + 1)
        return found

    def _scalar(self, node: Any) -> Any:
        text: str = node.value
        if _SIGNS.search(text):
            raise self._refused(node, "a text has a character that none may have")
        if node.style or node.tag.startswith("!"):
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text

    def _refused(self, node: Any, why: str) -> InvalidArgument:
        return InvalidArgument(f"{self._name}, line {node.start_mark.line + 1}: {why}.", field="file")


def _wrong(error: ValidationError, value: Any, lines: Mapping[Place, int], name: str) -> InvalidArgument:
    """Everything that is wrong, each with its line and what to do."""
    problems: list[tuple[int, str]] = []
    errors = error.errors(include_url=False, include_context=False)
    telling = [one for one in errors if not _is_other_branch(one)] or errors
    for found in telling:
        place = _there(value, found["loc"])
        line = _line(lines, place)
        said = f"{_message(found, place)}"
        where = _written(place)
        problems.append((line, f"{f'line {line}: ' if line else ''}{f'{where}: ' if where else ''}{said}"))
    listed = list(dict.fromkeys(text for _, text in sorted(problems)))
    more = f", and {len(listed) - 1} more" if len(listed) > 1 else ""
    return InvalidArgument(
        f"{name}: {listed[0]}{more}.", hint=_HINT, field="file", details={"problems": listed} if more else {}
    )


def _is_other_branch(found: Any) -> bool:
    """Whether an error says only that an object is no text or number, where it could have been one."""
    return isinstance(found.get("input"), dict | list) and found["type"] in (
        "string_type", "int_type", "float_type", "literal_error"
    )  # fmt: skip


def _line(lines: Mapping[Place, int], place: Place) -> int:
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 0)


def _there(value: Any, place: Place) -> Place:
    """The part of a place that is in the value: behind it are names of the types that were tried."""
    kept: Place = ()
    for part in place:
        is_member = isinstance(value, dict) and part in value
        is_item = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if is_member or is_item:
            value = value[part]
            kept = (*kept, part)
    return kept


def _message(found: Any, place: Place) -> str:
    kind, last = found["type"], str(found["loc"][-1]) if found["loc"] else ""
    if kind == "extra_forbidden":
        return f"there is no member '{last[:60]}' here"
    if kind == "missing":
        return f"the member '{last}' is missing"
    said = str(found["msg"]).removeprefix("Value error, ").rstrip(".")
    given = found.get("input")
    shown = f", not {given!r}" if isinstance(given, str | int | float) and len(repr(given)) < 60 else ""
    quote = " (put quotes around a number that is a text)" if kind == "string_type" and shown else ""
    return f"{said[:1].lower()}{said[1:]}{shown}{quote}"


def _written(place: Place) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")
