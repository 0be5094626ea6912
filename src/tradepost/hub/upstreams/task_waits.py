"""Waiting for a task of a server in the place of a client that has no tasks, as long as its call may take.

A server that serves nobody without the extension refuses the call first, before it does anything; so it can be called
again. Any other server does not hear of tasks for such a client, and answers as it always did.
"""

import asyncio
from contextlib import suppress
from typing import Protocol, Unpack

from tradepost.hub.upstreams.connection import Connection
from tradepost.hub.upstreams.results import readable
from tradepost.hub.upstreams.talk import Talk
from tradepost.hub.upstreams.targets import ToolTarget
from tradepost.hub.upstreams.upstream_tasks import told_of
from tradepost.protocol.builtin import ToolResult
from tradepost.protocol.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, MISSING_CAPABILITY, Json
from tradepost.protocol.options import Options
from tradepost.protocol.tasks import CANCEL, GET, TASK, UPDATE, takes_tasks
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

POLL_MS = 1_000
LONGEST_POLL_MS = 5_000  # somebody waits
CANCEL_SECONDS = 2.0
LEAST_SECONDS = 0.001


def insists_on_tasks(error: UpstreamFailed) -> bool:
    """Whether a server refused a call because its client has no tasks."""
    data = (error.rpc_error or {}).get("data")
    required = data.get("requiredCapabilities") if isinstance(data, dict) else None
    return error.rpc_code == MISSING_CAPABILITY and isinstance(required, dict) and takes_tasks(required)


class TaskKeeper(Protocol):
    """A server that can be asked about its tasks; McpClient satisfies it."""

    async def ask_task(self, method: str, task_id: str, **options: Unpack[Options]) -> Json: ...


class TaskWait:
    """For the end of one task. `ends_at` is when the call is over, by the loop's clock; the time that people take for
    answers is not counted."""

    def __init__(self, client: TaskKeeper, task: Json, hidden: tuple[str, ...], talk: Talk, ends_at: float) -> None:
        self._client = client
        self._task = task
        self._hidden = hidden
        self.talk = talk
        self._ends_at = ends_at
        self._responses: Json = {}

    async def result(self) -> ToolResult | None:
        """The result, None when it is not there in time. Raises UpstreamFailed where the task came to none, and for
        questions that the client does not take."""
        told = self._task
        while (pause := min(told.get("pollIntervalMs", POLL_MS), LONGEST_POLL_MS) / 1_000) < self._left():
            await asyncio.sleep(pause)
            told = await self._look(told)
            if told["status"] == "input_required":
                await self._answer(told["inputRequests"])
            elif told["status"] != "working":
                return _end_of(told)
        return None

    async def _look(self, before: Json) -> Json:
        """How the task stands now. The server has it, so that it cannot be reached for a moment decides nothing."""
        try:
            told = await self._ask(GET)
            return told_of(told, self.talk.hidden(self._hidden))
        except UpstreamTimedOut:
            return before
        except UpstreamFailed as error:
            if error.rpc_code == INVALID_PARAMS:
                raise UpstreamFailed("Its server does not know the task any more.", dispatched=True) from error
            return before

    async def give_up(self) -> None:
        """Tell the server that nobody waits any more, if it hears."""
        with suppress(UpstreamFailed, UpstreamTimedOut):
            await self._ask(CANCEL, seconds=CANCEL_SECONDS)

    async def _answer(self, asked: Json) -> None:
        new = {name: request for name, request in asked.items() if name not in self._responses}
        try:
            self._responses.update(await self.talk.answers(new, self.talk.hidden(self._hidden)))
        except UpstreamFailed:
            await self.give_up()
            raise
        with suppress(UpstreamFailed, UpstreamTimedOut):  # what did not arrive is asked for again
            await self._ask(UPDATE, {"inputResponses": {name: self._responses[name] for name in asked}})

    async def _ask(self, method: str, retry: Json | None = None, seconds: float | None = None) -> Json:
        options = self.talk.options(self._hidden, timeout=seconds or max(self._left(), 0.001), repeatable=method == GET)
        options["retry"] = retry
        return await self._client.ask_task(method, self._task["taskId"], **options)

    def _left(self) -> float:
        return self._ends_at + self.talk.waited_seconds - asyncio.get_running_loop().time()


async def task_result(connection: Connection, tool: ToolTarget, task: Json, wait: TaskWait | None) -> ToolResult:
    """A task, or what it came to while the call could wait for it. The task of a write goes on after that."""
    if wait is not None:
        with readable(connection, tool, wait.talk):
            result = await wait.result()
        if result is not None:
            return result
        if tool.tool_class == "read":
            await wait.give_up()
            seconds = tool.limits.timeout_seconds
            raise UpstreamTimedOut(f"The tool did not finish within {seconds:g} seconds.", dispatched=True)
    return ToolResult([], asks={"resultType": TASK, **task})


def _end_of(told: Json) -> ToolResult:
    if told["status"] == "completed":
        shown = told["result"]
        return ToolResult(shown["content"], shown.get("structuredContent"), shown["isError"], shown.get("_meta"))
    details = told.get("error") or {"server_said": {"untrusted": "it gave the task up"}, "server_code": None}
    error = {
        "code": details["server_code"] or INTERNAL_ERROR,
        "message": details["server_said"]["untrusted"],
        "data": None,
    }
    raise UpstreamFailed("The server could not come to a result.", dispatched=True, answered=True, rpc_error=error)
