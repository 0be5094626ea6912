"""Names of tools: what a server may call one, and what it may be called in a catalog."""

import re
from typing import Any

from tradepost.foundation.errors import InvalidArgument

_TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")


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


def look(name: str) -> str:
    """The same for names that a reader may take for one another: they differ in case or separators alone. Letters of
    other alphabets are in no tool's name."""
    return name.lower().replace("-", "_").replace(".", "_")
