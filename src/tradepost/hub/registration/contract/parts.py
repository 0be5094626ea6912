"""One schema in the form in which it is compared: references resolved, `allOf` merged, words left out, types as a set.

Only local references are followed. What is merged says at most as much as its parts: where two of them cannot be put
into one, the keyword is left out and the schema is marked as not exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from tradepost.foundation.canonical import canonical

Json = dict[str, Any]

KINDS = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})
WORDS = frozenset(
    "$schema $id $comment $defs definitions title description examples default deprecated readOnly writeOnly icons "
    "contentEncoding contentMediaType contentSchema x-mcp-header".split()
)
COMPARED = frozenset(
    "type enum const minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern format "
    "properties required additionalProperties minProperties maxProperties items prefixItems minItems maxItems "
    "uniqueItems anyOf oneOf allOf $ref".split()
)
_LARGER = frozenset("minimum exclusiveMinimum minLength minItems minProperties".split())
_SMALLER = frozenset("maximum exclusiveMaximum maxLength maxItems maxProperties".split())
MAX_REFERENCES = 50  # one behind the other
NEVER: Json = {"enum": []}
_FEW = (("boolean", True), ("boolean", False), ("null", None))  # all values of these types


@dataclass(frozen=True, slots=True)
class Part:
    """A schema without references and `allOf`. `root` is the document that its members' references are of; `exact` says
    that nothing was left out of it. `source` is the schema as it stands in the document, None for what was made of one.
    """

    words: Mapping[str, Any]
    root: Any
    exact: bool = True
    source: Any = None

    def at(self, schema: Any) -> "Part":
        """A schema inside of this one."""
        return part_of(schema, self.root)

    @property
    def kinds(self) -> frozenset[str]:
        """The JSON types it allows; an integer is a number, so `number` stands for both."""
        named = self.words.get("type")
        found = KINDS if named is None else frozenset([named] if isinstance(named, str) else named) & KINDS
        return found - {"integer"} if "number" in found else found

    @property
    def values(self) -> list[Any] | None:
        """All its values, where they are listed."""
        if "const" in self.words:
            return [self.words["const"]]
        listed = self.words.get("enum")
        if isinstance(listed, list):
            return listed
        if self.kinds and self.kinds <= {"boolean", "null"}:
            return [value for kind, value in _FEW if kind in self.kinds]
        return None

    def with_(self, **words: Any) -> "Part":
        """The same with some words changed."""
        return replace(self, words={**self.words, **words}, source=None)

    def without(self, *names: str) -> "Part":
        """The same without some words."""
        return replace(self, words={name: one for name, one in self.words.items() if name not in names}, source=None)

    def and_(self, schema: Any) -> "Part":
        """What fits both this and a schema inside of it."""
        other = self.at(schema)
        words, exact = merged(self.words, other.words)
        return replace(self, words=words, exact=self.exact and other.exact and exact, source=None)


def part_of(schema: Any, root: Any) -> Part:
    """The compared form of a schema of the document `root`."""
    exact = True
    words: Json = {}
    waiting, followed = [schema], 0
    while waiting:
        one = waiting.pop()
        if one is True:
            continue
        if not isinstance(one, dict):
            return Part(NEVER, root)
        if "$ref" in one:
            followed += 1
            target = _resolved(one["$ref"], root) if followed <= MAX_REFERENCES else None
            if target is None:
                exact = False
            else:
                waiting.append(target)
            if _ignores_neighbours(root):
                continue
        waiting.extend(one.get("allOf") or ())
        words, whole = merged(words, _said(one))
        exact = exact and whole
    return Part(words, root, exact, schema)


def _said(schema: Json) -> Json:
    """What a schema says itself, with the elements of older dialects in their newer spelling."""
    said = {name: value for name, value in schema.items() if name not in WORDS and name not in ("$ref", "allOf")}
    if isinstance(said.get("items"), list):
        said["prefixItems"], said["items"] = said["items"], said.pop("additionalItems", True)
    return said


def _ignores_neighbours(root: Any) -> bool:
    """In draft-07 what stands beside a reference does not count."""
    return isinstance(root, dict) and "draft-07" in str(root.get("$schema"))


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Json, bool]:
    """What two schemas say together, and whether all of it could be put into one."""
    if not first or not second:
        return {**first, **second}, True
    found, exact = dict(first), True
    for name, value in second.items():
        if name not in found or same(found[name], value):
            found[name] = value
            continue
        kept = _both(name, found[name], value)
        if kept is None:
            exact = False
        else:
            found[name] = kept
    if ("additionalProperties" in first) != ("additionalProperties" in second) or "additionalProperties" in found:
        # Each speaks of the properties that its own schema does not name.
        exact = exact and set(first.get("properties", {})) == set(second.get("properties", {}))
    return found, exact


def _both(name: str, first: Any, second: Any) -> Any:
    """One value of a keyword for two; None where there is none."""
    if name == "type":
        named = (with_integers(Part({"type": kinds}, True).kinds) for kinds in (first, second))
        return sorted(frozenset.intersection(*named))
    if name == "required":
        return sorted({*first, *second})
    if name == "properties":
        shared = {key: {"allOf": [first[key], second[key]]} for key in first.keys() & second.keys()}
        return {**first, **second, **shared}
    if name == "enum":
        return [value for value in first if any(same(value, other) for other in second)]
    if name in _LARGER:
        return max(first, second)
    if name in _SMALLER:
        return min(first, second)
    if name in ("items", "additionalProperties"):
        return {"allOf": [first, second]}
    return True if name == "uniqueItems" else None


def with_integers(kinds: frozenset[str]) -> frozenset[str]:
    """Types as a set that can be compared with another one: a number may be a whole one."""
    return kinds | {"integer"} if "number" in kinds else kinds


def singleton(value: Any) -> Json:
    """The schema of one value: as much as can be said of it."""
    if isinstance(value, bool):
        return {"type": "boolean", "const": value}
    if value is None:
        return {"type": "null", "const": None}
    if isinstance(value, int | float):
        whole = isinstance(value, int) or value.is_integer()
        return {"type": "integer" if whole else "number", "const": value, "minimum": value, "maximum": value}
    if isinstance(value, str):
        return {"type": "string", "const": value, "minLength": len(value), "maxLength": len(value)}
    if isinstance(value, list):
        size = len(value)
        unique = len({canonical(one) for one in value}) == size
        members: Json = {"prefixItems": [singleton(one) for one in value], "minItems": size, "maxItems": size}
        return {"type": "array", "const": value, "uniqueItems": unique, **members}
    members = {"properties": {key: singleton(inner) for key, inner in value.items()}, "required": sorted(value)}
    return {"type": "object", "const": value, "additionalProperties": False, **members}


def same(first: Any, second: Any) -> bool:
    """Whether two JSON values are one."""
    return canonical(first) == canonical(second)


def exactly(number: float) -> Fraction:
    """A number as its text says it."""
    return Fraction(str(number))


def _resolved(reference: Any, root: Any) -> Any:
    """What a local reference points to; None for any other one."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found = root
    for step in reference[1:].split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found
