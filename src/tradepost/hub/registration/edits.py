"""What differs between two definitions of a tool, resource or prompt, place by place, as a person reads it: and what
each difference does to whoever calls the tool."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from tradepost.foundation.untrusted import with_hidden_shown

EditKind = Literal["suspicious", "breaking", "additive", "text"]
KINDS: tuple[EditKind, ...] = ("suspicious", "breaking", "additive", "text")  # the gravest first

_WORDS = frozenset({"title", "description", "examples", "$comment"})
_MAPS = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
_WHOLE = frozenset({"enum", "required", "type"})  # lists that are compared as sets
_LOWER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_UPPER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_AROUND = 40  # characters shown of what two texts have in common
_MISSING: Any = object()

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """One place in a definition that differs; `before` or `after` is None where there is nothing. `says` is the
    difference in a sentence, with invisible characters written out."""

    place: str
    before: Any
    after: Any
    kind: EditKind
    says: str


def edits(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Edit]:
    """The places in which two definitions differ, as deep as both have the same shape."""
    return [_edit(path, old, new, after) for path, old, new in _differences(before, after, ())]


def _differences(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _differences(old.get(key, _MISSING), new.get(key, _MISSING), (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and path[-1] not in _WHOLE:
        for index, (first, second) in enumerate(zip(old, new, strict=True)):
            yield from _differences(first, second, (*path, index))
    elif type(old) is not type(new) or old != new:
        yield path, old, new


def _edit(path: Path, old: Any, new: Any, after: Mapping[str, Any]) -> Edit:
    kind = _kind(path, old, new, after)
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    return Edit(place, _plain(old), _plain(new), kind, _says(path, with_hidden_shown(place), old, new, after))


def _kind(path: Path, old: Any, new: Any, after: Mapping[str, Any]) -> EditKind:
    top = path[0]
    if top in ("title", "description", "icons") or path == ("annotations", "title"):
        return "text"
    if top == "arguments" and path[-1] in ("title", "description"):
        return "text"  # of a prompt
    if top in ("annotations", "_meta"):
        return "suspicious"  # claims about itself that moved
    if top == "inputSchema" and len(path) > 1:
        return _of_input(path, old, new, after)
    if top == "outputSchema" and len(path) > 1:
        return _of_output(path, old)
    return "breaking"


def _of_input(path: Path, old: Any, new: Any, after: Mapping[str, Any]) -> EditKind:
    last = path[-1]
    if _is_words(path):
        return "text"
    if _is_member(path):
        added = old is _MISSING and last not in _required_at(path, after)
        return "additive" if added else "breaking"
    if path[-2] in _MAPS and path[-2] != "properties":
        return "additive" if old is _MISSING else "breaking"
    return "additive" if _takes_more(last, old, new) else "breaking"


def _of_output(path: Path, old: Any) -> EditKind:
    if _is_words(path):
        return "text"
    return "additive" if _is_member(path) and old is _MISSING else "breaking"


def _takes_more(keyword: str | int, old: Any, new: Any) -> bool:
    """Whether whatever was taken before is taken still."""
    if keyword == "additionalProperties":
        return old is False and new in (True, _MISSING)
    if new is _MISSING:
        return keyword in _LOWER | _UPPER | {"required", "enum", "pattern", "format", "uniqueItems", "multipleOf"}
    if keyword == "enum" and isinstance(old, list) and isinstance(new, list):
        return all(value in new for value in old)
    if keyword == "required" and isinstance(new, list):
        return isinstance(old, list) and all(name in old for name in new)
    if keyword == "type":
        kinds = new if isinstance(new, list) else [new]
        return old is not _MISSING and all(one in kinds for one in (old if isinstance(old, list) else [old]))
    if keyword in _LOWER | _UPPER and isinstance(old, int | float) and isinstance(new, int | float):
        return new <= old if keyword in _LOWER else new >= old
    return False


def _is_words(path: Path) -> bool:
    """Whether a path leads to a text. Under `properties` a key is an argument's name, never a text."""
    return any(part in _WORDS and not _is_map_at(path, index - 1) for index, part in enumerate(path))


def _is_member(path: Path) -> bool:
    return len(path) > 1 and path[-2] == "properties" and _is_map_at(path, len(path) - 2)


def _is_map_at(path: Path, index: int) -> bool:
    """Whether the part at an index is a keyword that holds names, and not itself such a name."""
    return index >= 0 and path[index] in _MAPS and not _is_map_at(path, index - 1)


def _required_at(path: Path, after: Mapping[str, Any]) -> list[Any]:
    """The required members of the object whose member a path is."""
    node: Any = after
    for part in path[:-2]:
        if isinstance(node, list) and isinstance(part, int):
            node = node[part]
        else:
            node = node.get(part, {}) if isinstance(node, Mapping) else {}
    required = node.get("required") if isinstance(node, Mapping) else None
    return required if isinstance(required, list) else []


def _says(path: Path, place: str, old: Any, new: Any, after: Mapping[str, Any]) -> str:
    name = with_hidden_shown(str(path[-1]))
    whose = "argument" if path[0] == "inputSchema" else "member of the result"
    if len(path) > 1 and _is_member(path):
        if new is _MISSING:
            return f"The {whose} '{name}' is gone."
        if old is _MISSING:
            need = "required" if path[-1] in _required_at(path, after) else "optional"
            return f"A new {whose} '{name}', {need}: {_shown(new)}"
    if path[-1] == "required":
        before, now = _names(old), _names(new)
        parts = [f"required now: {', '.join(sorted(now - before))}"] if now - before else []
        parts += [f"optional now: {', '.join(sorted(before - now))}"] if before - now else []
        return f"{place}: {'; '.join(parts) or 'written otherwise'}."
    if old is _MISSING:
        return f"{place} is new: {_shown(new)}"
    if new is _MISSING:
        return f"{place} is gone; it was {_shown(old)}"
    if isinstance(old, str) and isinstance(new, str):
        old, new = _apart(old, new)
    return f"{place} was {_shown(old)} and is now {_shown(new)}"


def _apart(old: str, new: str) -> tuple[str, str]:
    """Two texts without most of what they begin and end with alike. What differs is never cut: it is what somebody has
    to read."""
    start = _alike(old, new)
    end = min(_alike(old[::-1], new[::-1]), min(len(old), len(new)) - start)
    first = start - _AROUND if start > 2 * _AROUND else 0
    last = end - _AROUND if end > 2 * _AROUND else 0
    ahead, behind = "…" if first else "", "…" if last else ""
    return (
        f"{ahead}{old[first : len(old) - last]}{behind}",
        f"{ahead}{new[first : len(new) - last]}{behind}",
    )


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _names(value: Any) -> set[str]:
    return {with_hidden_shown(str(one)) for one in value} if isinstance(value, list) else set()


def _shown(value: Any) -> str:
    return with_hidden_shown(f'"{value}"' if isinstance(value, str) else orjson.dumps(value).decode())


def _plain(value: Any) -> Any:
    return None if value is _MISSING else value
