"""The names of the Tasks extension of 2026-07-28: a call may be answered with a task, asked about later.

What is announced in the older experiment of 2025-11-25 is something else, and nobody here speaks it.
"""

from collections.abc import Mapping
from typing import Any, Final

EXTENSION = "io.modelcontextprotocol/tasks"
TASK = "task"  # the resultType of a result that is one

GET = "tasks/get"
UPDATE = "tasks/update"
CANCEL = "tasks/cancel"
TASK_METHODS = frozenset({GET, UPDATE, CANCEL})

OFFERED: Final[dict[str, Any]] = {EXTENSION: {}}
REQUIRED: Final[dict[str, Any]] = {"extensions": OFFERED}

CHANGED = "notifications/tasks"

MAX_TASK_ID_CHARACTERS = 4096


def takes_tasks(capabilities: Mapping[str, Any] | None) -> bool:
    """Whether capabilities, of a client for one request or of a server, have the extension."""
    extensions = (capabilities or {}).get("extensions")
    return isinstance(extensions, dict) and isinstance(extensions.get(EXTENSION), dict)
