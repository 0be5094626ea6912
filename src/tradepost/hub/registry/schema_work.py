"""How often a validator may have to look at one place of a value, at worst.

Keywords that apply to the same place add up (anyOf, allOf, $ref, …); of keywords that lead to different members only
the costliest counts. Recursive schemas are unrolled to a fixed depth: one that merely repeats itself stays cheap, one
that branches at every level explodes, and that is what is refused.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

_SAME_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_SAME_PLACE = ("not", "if", "then", "else")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_MEMBER_MAPS = ("properties",)
_OVERLAPPING_MAPS = ("patternProperties", "dependentSchemas", "dependencies")
_MEMBER = (
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "additionalItems",
    "unevaluatedItems",
    "contains",
)

MAX_VISITS = 20_000  # of schemas while one is counted; what needs more is worth more than any cap

Own = Callable[[Mapping[str, Any]], int]


def _one(_node: Mapping[str, Any]) -> int:
    return 1


def work_of(schema: Mapping[str, Any], depth: int, cap: int, own: Own = _one) -> int:
    """The worst count; anything above `cap` means "more than that". `own` says what looking once at one schema costs,
    without the schemas below it."""
    return _Counter(schema, cap, own).count(schema, depth)


def runs_in_circles(schema: Mapping[str, Any]) -> bool:
    """Whether a chain of keywords that apply to one and the same place leads back to where it began."""
    done: set[int] = set()
    for start in schemas_in(schema):
        path: list[tuple[Mapping[str, Any], list[Any]]] = [(start, _same_place(start, schema))]
        on_path = {id(start)}
        while path:
            node, rest = path[-1]
            if not rest:
                path.pop()
                on_path.discard(id(node))
                done.add(id(node))
                continue
            following = rest.pop()
            if not isinstance(following, Mapping) or id(following) in done:
                continue
            if id(following) in on_path:
                return True
            on_path.add(id(following))
            path.append((following, _same_place(following, schema)))
    return False


def schemas_in(root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every object inside a schema, whether anything refers to it or not."""
    stack: list[Any] = [root]
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            yield part
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


def _same_place(node: Mapping[str, Any], root: Mapping[str, Any]) -> list[Any]:
    parts = [part for keyword in _SAME_PLACE_LISTS for part in _list(node.get(keyword))]
    parts += [node[keyword] for keyword in _SAME_PLACE if keyword in node]
    parts += [part for keyword in ("dependentSchemas", "dependencies") for part in _map(node.get(keyword)).values()]
    parts += [_target(root, node[keyword]) for keyword in _REFERENCES if isinstance(node.get(keyword), str)]
    return parts


class _Counter:
    def __init__(self, root: Mapping[str, Any], cap: int, own: Own) -> None:
        self._root = root
        self._cap = cap
        self._own = own
        self._known: dict[tuple[int, int], int] = {}

    def count(self, node: Any, depth: int) -> int:
        if not isinstance(node, Mapping) or depth <= 0:
            return 1
        key = (id(node), depth)
        if len(self._known) > MAX_VISITS:
            return self._cap + 1
        if key not in self._known:
            self._known[key] = min(self._sum(node, depth - 1), self._cap + 1)
        return self._known[key]

    def _sum(self, node: Mapping[str, Any], depth: int) -> int:
        total = self._own(node)
        for keyword in _SAME_PLACE_LISTS:
            total += sum(self.count(part, depth) for part in _list(node.get(keyword)))
        for keyword in _OVERLAPPING_MAPS:
            total += sum(self.count(part, depth) for part in _map(node.get(keyword)).values())
        for keyword in _SAME_PLACE + _MEMBER:
            value = node.get(keyword)
            total += sum(self.count(part, depth) for part in _list(value)) if isinstance(value, list) else 0
            total += self.count(value, depth) if isinstance(value, Mapping) else 0
        for keyword in _MEMBER_MAPS:
            total += max((self.count(part, depth) for part in _map(node.get(keyword)).values()), default=0)
        total += max((self.count(part, depth) for part in _list(node.get("prefixItems"))), default=0)
        for keyword in _REFERENCES:
            if isinstance(node.get(keyword), str):
                total += self.count(_target(self._root, node[keyword]), depth)
        return total


def _target(root: Mapping[str, Any], reference: str) -> Any:
    """What a reference inside the schema points to; None for one that points nowhere."""
    found: Any = root
    for step in reference.lstrip("#").split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
