"""The fields of an answer that go on: dotted paths, which lead through lists by themselves; `*` is any member.

`id`, `customer.name`, `lines.sku` (of each line; `lines[].sku` says the same), `prices.*.amount`. What a path does not
find is left out.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tradepost.foundation.errors import InvalidArgument

MAX_FIELDS = 100
MAX_FIELD = 200

Tree = dict[str, Any]  # member -> what of it goes on; an empty tree is all of it
_FIELD = re.compile(r"[^.\[\]\s]+(\[\])?(\.[^.\[\]\s]+(\[\])?)*")
_COMBINED = ("allOf", "anyOf", "oneOf")


def checked_fields(fields: Sequence[str]) -> list[str]:
    """The paths, each once. Raises InvalidArgument."""
    if len(fields) > MAX_FIELDS:
        raise InvalidArgument(f"More than {MAX_FIELDS} fields.", field="fields")
    for field in fields:
        if len(field) > MAX_FIELD or not _FIELD.fullmatch(field):
            raise InvalidArgument(
                f"'{field[:60]}' is no path to a field.",
                field="fields",
                hint="Write it like customer.name or lines.sku.",
            )
    return list(dict.fromkeys(fields))


def tree_of(fields: Sequence[str]) -> Tree:
    """The paths as a tree. A path that ends somewhere takes all that is there, whatever others say of its parts."""
    tree: Tree = {}
    whole = {tuple(field.replace("[]", "").split(".")) for field in fields}
    for path in sorted(whole):
        if any(path[:length] in whole for length in range(1, len(path))):
            continue
        place = tree
        for name in path:
            place = place.setdefault(name, {})
    return tree


def only(value: Any, tree: Tree) -> Any:
    """What of a value goes on."""
    if not tree:
        return value
    if isinstance(value, list):
        return [only(item, tree) for item in value]
    if not isinstance(value, dict):
        return None
    return {name: only(inner, part) for name, inner in value.items() if (part := _part(tree, name)) is not None}


def only_schema(schema: Any, tree: Tree) -> Any:
    """The schema of what goes on."""
    if not tree or not isinstance(schema, Mapping):
        return schema
    made = dict(schema)
    if isinstance(made.get("properties"), Mapping):
        made["properties"] = {
            name: only_schema(inner, part)
            for name, inner in made["properties"].items()
            if (part := _part(tree, name)) is not None
        }
    if isinstance(made.get("required"), list):
        made["required"] = [name for name in made["required"] if _part(tree, name) is not None]
    if isinstance(made.get("additionalProperties"), Mapping):
        every = tree.get("*")
        made["additionalProperties"] = True if every is None else only_schema(made["additionalProperties"], every)
    if isinstance(made.get("items"), Mapping):
        made["items"] = only_schema(made["items"], tree)
    for keyword in _COMBINED:
        if isinstance(made.get(keyword), list):
            made[keyword] = [only_schema(part, tree) for part in made[keyword]]
    made.pop("minProperties", None)
    return made


def _part(tree: Tree, name: str) -> Tree | None:
    found: Tree | None = tree.get(name, tree.get("*"))
    return found
