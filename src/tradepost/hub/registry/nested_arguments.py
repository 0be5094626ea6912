"""Arguments inside an object: `customer.id` is the member `id` of the argument `customer`.

A path leads through objects alone. On its way may stand a definition of the schema's own (`#/$defs/…`) and an object or
null, as generators write them; both are written out for the model. Anything else that says in several places what an
object may hold (oneOf, allOf, conditions, references elsewhere) could show or take what the hub hides: such a path is
refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tradepost.hub.registry.hidden_arguments import kinds_of, types_of
from tradepost.hub.registry.pinned import Json

Path = tuple[str, ...]

MAX_DEPTH = 5
_DEFINITIONS = ("$defs", "definitions")
_BRANCHES = (
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref", "$dynamicRef", "$recursiveRef"),
    *("dependentSchemas", "dependentRequired", "dependencies", "patternProperties", "propertyNames", "enum", "const"),
    *("$id", "$anchor", "$dynamicAnchor"),
)
_ROOT_BRANCHES = ("$ref", "$dynamicRef", "$recursiveRef", "not", "patternProperties", "dependentSchemas")
_BESIDE_A_REFERENCE = frozenset({"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"})
_COUNTS = ("minProperties", "maxProperties")


class Unreachable(ValueError):
    """Why a path cannot be hidden in a schema, in a few words."""


class Place(NamedTuple):
    """Where a schema declares an argument inside an object: its schema, and whether its object demands it."""

    declared: Any
    demanded: bool


def path_of(name: str) -> Path | None:
    """The path that a name with dots may mean; None for a name that is none."""
    path = tuple(name.split("."))
    return path if 1 < len(path) <= MAX_DEPTH and all(path) else None


def find_place(schema: Any, path: Path) -> Place | None:
    """Where the path ends; None where the schema does not declare it. Raises Unreachable."""
    if not isinstance(schema, Mapping) or kinds_of(schema, path[0]) is None:
        return None
    if _is_in_branches(schema, path[0]):
        raise Unreachable(f"more than one part of the schema says what '{path[0]}' is")
    node: Any = schema
    for depth, name in enumerate(path):
        properties = node.get("properties")
        if not isinstance(properties, Mapping) or name not in properties:
            return None
        if depth == len(path) - 1:
            return Place(properties[name], name in _names(node.get("required")))
        node = _object(schema, properties[name], ".".join(path[: depth + 1]))
    return None


def without_nested(schema: Json, paths: Iterable[Path]) -> Json:
    """The schema without what stands at these paths, each of which was found there. An object of which nothing is left
    goes as well; one of which something is left that is required becomes required itself, because the hub sends it."""
    shown = dict(schema)
    for path in sorted(paths):
        shown = _less(schema, shown, path, ())
    return _without_unused(shown)


def is_emptied(schema: Json, paths: Sequence[Path], top: str) -> bool:
    """Whether nothing is left of an argument for the model to say."""
    return top not in without_nested(schema, [path for path in paths if path[0] == top]).get("properties", {})


def _less(root: Json, node: Json, path: Path, above: Path) -> Json:
    name, rest = path[0], path[1:]
    properties = dict(node["properties"])
    required = _names(node.get("required"))
    if rest:
        if name not in properties:
            return node  # another path emptied it
        inner = _less(root, _object(root, properties[name], ".".join((*above, name))), rest, (*above, name))
        if not inner.get("properties") and not inner.get("additionalProperties"):
            rest = ()
        else:
            properties[name] = inner
            if inner.get("required") and name not in required:
                required.append(name)
    if not rest:
        del properties[name]
        required = [one for one in required if one != name]
    shown = {**node, "properties": properties, "required": required}
    if not required:
        del shown["required"]  # an empty list is no list in older dialects
    for count in _COUNTS:
        if not rest and isinstance(shown.get(count), int):
            shown[count] = max(0, shown[count] - 1)
    return shown


def _object(root: Mapping[str, Any], node: Any, where: str) -> Json:
    """A node of a path as an object with properties, written out. Raises Unreachable."""
    found = _written_out(root, node, where)
    choices = found.get("anyOf")
    if isinstance(choices, list) and len(choices) == 2 and {"type": "null"} in choices:
        other = next((one for one in choices if one != {"type": "null"}), None)
        around = {key: value for key, value in found.items() if key not in ("anyOf", "default")}
        if not around.keys() <= _BESIDE_A_REFERENCE:
            raise Unreachable(f"more than one part of the schema says what '{where}' is")
        found = {**_written_out(root, other, where), **around}
    branch = next((key for key in _BRANCHES if key in found), None)
    if branch is not None:
        raise Unreachable(f"'{where}' has {branch}, which may say more of it")
    if not types_of(found) & {"object"}:
        raise Unreachable(f"'{where}' is no object")
    plain = {key: value for key, value in found.items() if key not in ("default", "examples")}
    return {**plain, "type": "object"}


def _written_out(root: Mapping[str, Any], node: Any, where: str) -> Json:
    if not isinstance(node, Mapping):
        raise Unreachable(f"'{where}' is no object")
    if "$ref" not in node:
        return dict(node)
    around = {key: value for key, value in node.items() if key != "$ref"}
    reference = str(node["$ref"])
    kind, _, name = reference.removeprefix("#/").partition("/")
    definitions = root.get(kind) if kind in _DEFINITIONS else None
    target = definitions.get(name) if isinstance(definitions, Mapping) else None
    if not isinstance(target, Mapping) or "$ref" in target or reference != f"#/{kind}/{name}":
        raise Unreachable(f"'{where}' is described elsewhere ($ref)")
    if not around.keys() <= _BESIDE_A_REFERENCE:
        raise Unreachable(f"more than one part of the schema says what '{where}' is")
    return {**target, **around}


def _is_in_branches(schema: Mapping[str, Any], name: str) -> bool:
    """Whether anything beside the schema's own properties speaks of an argument."""
    if any(key in schema for key in _ROOT_BRANCHES):
        return True
    depending = schema.get("dependencies")
    if isinstance(depending, Mapping) and any(isinstance(part, Mapping) for part in depending.values()):
        return True
    return name not in schema.get("properties", {}) or kinds_of({**schema, "properties": {}}, name) is not None


def _without_unused(schema: Json) -> Json:
    """Definitions that nothing refers to any more would still tell the model what was hidden."""
    shown = dict(schema)
    for kind in _DEFINITIONS:
        definitions = shown.get(kind)
        if not isinstance(definitions, Mapping):
            continue
        waiting = list(_referred({key: value for key, value in shown.items() if key != kind}, f"#/{kind}/"))
        used: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in definitions and name not in used:
                used.add(name)
                waiting.extend(_referred(definitions[name], f"#/{kind}/"))
        shown[kind] = {name: value for name, value in definitions.items() if name in used}
        if not used:
            del shown[kind]
    return shown


def _referred(node: Any, below: str) -> Iterable[str]:
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            reference = part.get("$ref")
            if isinstance(reference, str) and reference.startswith(below):
                yield reference.removeprefix(below).partition("/")[0]
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


def _names(required: Any) -> list[str]:
    return list(required) if isinstance(required, list) else []
