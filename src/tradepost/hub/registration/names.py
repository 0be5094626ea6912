"""Names of tools: what a server may call one, what it may be called in a catalog, and in which words."""

import re
from collections.abc import Collection
from typing import Any

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean

_TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_SEPARATORS = re.compile(r"[_.-]+")
MAX_NAME = 128
MAX_TITLE = 200
MAX_DESCRIPTION = 4_000


def is_tool_name(name: Any) -> bool:
    """Whether MCP allows the name."""
    return isinstance(name, str) and _TOOL_NAME.fullmatch(name) is not None


def checked_exposed_name(name: str) -> str:
    """The name. Raises InvalidArgument."""
    if not is_tool_name(name):
        raise InvalidArgument(
            f"'{name[:60]}' is no tool name.",
            field="exposed_name",
            hint="Use 1 to 128 letters, digits, '_', '-' or '.'.",
        )
    return name


def folded(name: str) -> str:
    """What two names share that a model takes for one: get_order, Get-Order and get.order."""
    return _SEPARATORS.sub("_", name).lower()


def suggested(slug: str, name: str, taken: Collection[str]) -> str:
    """A name that is free in the catalogs concerned. `taken` are folded."""
    plain = f"{slug}_{name}"[:MAX_NAME]
    number, found = 2, plain
    while folded(found) in taken:
        ending = f"_{number}"
        number, found = number + 1, plain[: MAX_NAME - len(ending)] + ending
    return found


def checked_words(text: str, field: str, cap: int) -> str:
    """An admin's title or description of a tool. Raises InvalidArgument for characters that a reader cannot see, line
    breaks in a title, and too many of them."""
    if len(text) > cap:
        raise InvalidArgument(f"The {field} has {len(text)} characters.", field=field, hint=f"At most {cap} are taken.")
    if clean(text, cap) != text or (field == "title" and not text.isprintable()):
        raise InvalidArgument(
            f"The {field} has characters that a reader cannot see (control, direction, tag or filler characters).",
            field=field,
            hint="Write it anew instead of copying it.",
        )
    if not text.strip():
        raise InvalidArgument(f"The {field} is blank.", field=field, hint="Leave it empty to use the server's own.")
    return text
