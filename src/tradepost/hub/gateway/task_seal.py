"""The ids of tasks that are a server's own and leave no record here: reads. What the hub needs to know of one travels
with the client, sealed for its principal; a write's task is its action."""

from dataclasses import dataclass
from datetime import timedelta

from tradepost.foundation.caller import Caller
from tradepost.foundation.canonical import canonical
from tradepost.hub.gateway.call import Json
from tradepost.hub.gateway.rounds import RoundSeal
from tradepost.hub.registry.catalog import CatalogTool

PREFIX = "tsk_"
LONGEST = timedelta(days=7)  # as long as the key of a write is kept


@dataclass(frozen=True, slots=True)
class Handle:
    """The tool whose call became a task, the server it ran at, and that server's id of the task."""

    entry_id: str
    server_url: str | None
    upstream_id: str


class TaskSeal:
    """Makes and reads such ids, with the seal that also keeps what clients carry between rounds."""

    def __init__(self, seal: RoundSeal) -> None:
        self._seal = seal

    def sealed(self, caller: Caller, tool: CatalogTool, task: Json) -> str:
        """The hub's id of a server's task."""
        content = [tool.entry_id, tool.server_url, task["taskId"]]
        given, longest = task.get("ttlMs"), LONGEST // timedelta(milliseconds=1)
        seconds = min(longest, given if given is not None else longest) / 1000
        return PREFIX + self._seal.seal(content, _place(caller), seconds)

    def opened(self, caller: Caller, task_id: str) -> Handle | None:
        """What a task id says; None for one that was not given to this caller, or is over."""
        if not task_id.startswith(PREFIX):
            return None
        content = self._seal.open(task_id.removeprefix(PREFIX), _place(caller))
        return Handle(*content) if content is not None else None


def _place(caller: Caller) -> bytes:
    return canonical(["task", caller.workspace_id, caller.principal.kind, caller.principal.id])
