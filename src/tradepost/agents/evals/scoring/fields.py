"""Finding a value in what a tool returned, by a path like `items[0].number` or `lines[sku=MUG-1].quantity`."""

import re
from typing import Any

from tradepost.foundation.errors import InvalidArgument

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[([^=\[\]]+)=([^\[\]]+)\]")


class Absent(Exception):
    """There is nothing at a path. Its message says where it ends."""


def at(value: Any, path: str) -> Any:
    """What stands there. Raises Absent; InvalidArgument for what is no path."""
    place = 0
    while place < len(path):
        found = _STEP.match(path, place)
        if found is None:
            raise InvalidArgument(
                f"'{path}' is no path to a field.", hint="Write it like items[0].number or lines[sku=MUG-1].quantity."
            )
        place = found.end()
        value = _step(value, found, path[:place])
    return value


def _step(value: Any, found: re.Match[str], so_far: str) -> Any:
    name, index, key, wanted = found.groups()
    if name is not None:
        if name == "length" and isinstance(value, list):
            return len(value)
        if isinstance(value, dict) and name in value:
            return value[name]
    elif index is not None:
        if isinstance(value, list) and int(index) < len(value):
            return value[int(index)]
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, dict) and str(one.get(key)) == wanted:
                return one
    raise Absent(f"there is no {so_far}")


def covers(found: Any, wanted: Any) -> bool:
    """Whether a value is as wanted: objects have the wanted members among others, lists are as long, texts are compared
    without case, and a number may be written as a text."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and covers(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(covers, found, wanted))
    if isinstance(found, str) and isinstance(wanted, str):
        return found.strip().casefold() == wanted.strip().casefold()
    if isinstance(found, bool) or isinstance(wanted, bool) or found is None or wanted is None:
        return found is wanted
    if isinstance(found, dict | list):
        return False
    return bool(found == wanted) or str(found).removeprefix("#") == str(wanted).removeprefix("#")
