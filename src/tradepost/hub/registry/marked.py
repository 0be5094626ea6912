"""Which fields of a tool's structured result hold what outsiders wrote, as its output schema says
(`x-untrusted-text`)."""

from typing import Any

from tradepost.foundation.untrusted import MARK

EACH = "[]"

Path = tuple[str, ...]


def marked_fields(schema: Any, path: Path = ()) -> tuple[Path, ...]:
    """The paths of the marked fields; EACH stands for every item of a list. What is inside of a marked one is its."""
    if not isinstance(schema, dict):
        return ()
    if schema.get(MARK) is True:
        return (path,)
    properties = schema.get("properties")
    inner = properties.items() if isinstance(properties, dict) else ()
    found = [one for name, part in inner for one in marked_fields(part, (*path, name))]
    return (*found, *marked_fields(schema.get("items"), (*path, EACH)))


def filled(paths: tuple[Path, ...], result: Any) -> list[str]:
    """Those of them in which something stands, as "items[].customer_name"."""
    return [".".join(path).replace(f".{EACH}", EACH) for path in paths if _is_there(path, result)]


def _is_there(path: Path, value: Any) -> bool:
    if not path:
        return bool(value)
    name, rest = path[0], path[1:]
    if name == EACH:
        return isinstance(value, list) and any(_is_there(rest, item) for item in value)
    return isinstance(value, dict) and name in value and _is_there(rest, value[name])
