"""The requests about tasks, read and handed to the host. Who did not declare the extension hears so."""

from collections.abc import Mapping
from typing import Any, Protocol

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument
from tradepost.protocol.errors import missing_capability
from tradepost.protocol.hosting import CallExtras, HostedCatalog
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.methods import text
from tradepost.protocol.tasks import GET, MAX_TASK_ID_CHARACTERS, REQUIRED, UPDATE, takes_tasks


class PlainShape(Protocol):
    """How the era dresses the results."""

    def plain(self, result: Json) -> bytes: ...


class TaskMethods:
    """Serves tasks/get, tasks/update and tasks/cancel."""

    def __init__(self, host: HostedCatalog) -> None:
        self._host = host

    async def result(
        self, shape: PlainShape, caller: Caller, server: str | None, method: str, params: Json, extras: CallExtras
    ) -> bytes:
        """The result bytes of one of TASK_METHODS. Raises Refusal (-32021), InvalidArgument, and what the host raises:
        NotFound for every id that is not one of the caller's tasks."""
        require_tasks(extras.client_capabilities)
        task_id = text(params, "taskId", MAX_TASK_ID_CHARACTERS)
        if method == UPDATE and extras.input_responses is None:
            raise InvalidArgument(
                "params.inputResponses must be an object: the answers by name.", field="inputResponses"
            )
        told = await self._host.ask_task(caller, server, method, task_id, extras)
        return shape.plain(told if method == GET else {})


def require_tasks(declared: Mapping[str, Any] | None) -> None:
    """Raises Refusal (-32021) for a client that did not declare the extension with its request."""
    if not takes_tasks(declared):
        raise missing_capability(REQUIRED)
