"""JSON-RPC with an MCP server over its standard input and output: one message per line, both eras.

Several calls share the two pipes, so answers are told apart by id. What a server sends besides (progress, log messages,
questions) names no call; progress is told by its token, anything else goes to the call under way if it is the only one,
and to nobody otherwise: it may belong to another caller.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson

from tradepost.protocol.answers import MAX_ANSWER_BYTES, MAX_EVENTS, OnMessage, rpc_error
from tradepost.protocol.jsonrpc import METHOD_NOT_FOUND, Json
from tradepost.protocol.upstream_errors import UpstreamFailed
from tradepost.protocol.wire import Answered, refused

logger = logging.getLogger(__name__)

MAX_LINE_BYTES = MAX_ANSWER_BYTES
MAX_STRAY_LINES = 1_000
MOST_UNREAD = 1_000  # messages beside the answer that one call may have before it; more are dropped
RESTART_SECONDS = 1.0  # between two starts of one program: one that ends at once must not keep the machine busy


class Pipes(ABC):
    """A started program."""

    @property
    @abstractmethod
    def reader(self) -> asyncio.StreamReader: ...

    @property
    @abstractmethod
    def writer(self) -> asyncio.StreamWriter: ...

    @abstractmethod
    def last_words(self) -> str: ...

    @abstractmethod
    async def stop(self) -> None: ...


_CALLS = frozenset({"tools/call", "prompts/get", "resources/read", "completion/complete"})

Start = Callable[[], Awaitable[Pipes]]


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that was sent, and what came for it."""

    token: Any
    is_call: bool
    inbox: "asyncio.Queue[tuple[Json, bytes] | UpstreamFailed]" = field(default_factory=asyncio.Queue)


class StdioWire:
    """One program; started with the first request, and again after it ended. `generation` counts the starts: whatever
    was agreed with an earlier one is gone."""

    def __init__(self, start: Start, name: str) -> None:
        self._start = start
        self._name = name
        self._ids = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._pipes: Pipes | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._started_at = float("-inf")
        self.generation = 0

    async def request(self, method: str, params: Json, headers: Mapping[str, str], on_message: OnMessage) -> Answered:
        """Send a request, give its response. Raises UpstreamFailed. `headers` mean nothing here."""
        pipes = await self._running()
        request_id = next(self._ids)
        token = (params.get("_meta") or {}).get("progressToken")
        waiting = _Waiting(token, is_call=method in _CALLS)
        self._waiting[request_id] = waiting
        try:
            await self._send(pipes, {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
            message, line = await self._answer(waiting, request_id, on_message)
        except asyncio.CancelledError:
            cancel = {"requestId": request_id, "reason": "Nobody waits for it any more."}
            self._tell(pipes, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel})
            raise
        finally:
            del self._waiting[request_id]
        error = rpc_error(message)
        if error is not None:
            raise refused(error)
        if not isinstance(message.get("result"), dict):
            raise self._wrong("sent a response without a result")
        return Answered(message, line, request_id, {})

    async def post(self, message: Json, headers: Mapping[str, str]) -> None:
        """Send a message that has no response."""
        await self._send(await self._running(), message)

    async def delete(self, headers: Mapping[str, str]) -> None:
        """End the program."""
        await self.close()

    async def close(self) -> None:
        """End the program, if it runs."""
        pipes, self._pipes = self._pipes, None
        if pipes is not None:
            await pipes.stop()
        if self._reading is not None:
            await self._reading

    # ---

    async def _running(self) -> Pipes:
        if self._pipes is not None:
            return self._pipes
        async with self._starting:
            if self._pipes is None:
                loop = asyncio.get_running_loop()
                await asyncio.sleep(max(0.0, self._started_at + RESTART_SECONDS - loop.time()))
                self._started_at = loop.time()
                try:
                    pipes = await self._start()
                except OSError as error:
                    raise UpstreamFailed(
                        f"The program of the server could not be started: {error.strerror}.", dispatched=False
                    ) from None
                self.generation += 1
                self._pipes = pipes
                self._reading = asyncio.create_task(self._read(pipes), name=f"answers of {self._name}")
            return self._pipes

    async def _answer(self, waiting: _Waiting, request_id: int, on_message: OnMessage) -> tuple[Json, bytes]:
        for _ in range(MAX_EVENTS):
            item = await waiting.inbox.get()
            if isinstance(item, UpstreamFailed):
                raise item
            message, _line = item
            if "method" not in message:
                return item
            await on_message(message)
        raise self._wrong(f"sent more than {MAX_EVENTS} messages for one request")

    async def _send(self, pipes: Pipes, message: Json) -> None:
        try:
            pipes.writer.write(orjson.dumps(message) + b"\n")
            await pipes.writer.drain()
        except (ConnectionError, RuntimeError) as error:
            raise self._ended(pipes) from error

    def _tell(self, pipes: Pipes, message: Json) -> None:
        with suppress(ConnectionError, RuntimeError):  # it has ended meanwhile
            pipes.writer.write(orjson.dumps(message) + b"\n")

    async def _read(self, pipes: Pipes) -> None:
        """Hand out what the program says until it ends, or says what cannot be read."""
        strays = 0
        trouble: UpstreamFailed | None = None
        try:
            while line := await pipes.reader.readline():
                message = _message(line)
                if message is None or not self._hand_out(pipes, message, line):
                    strays += 1
                    if strays > MAX_STRAY_LINES:
                        trouble = self._wrong("sent a thousand lines that nobody asked for")
                        break
        except ValueError:
            trouble = self._wrong(f"sent a line of more than {MAX_LINE_BYTES} bytes")
        except ConnectionError as error:
            logger.debug("%s: %s", self._name, error)
        if self._pipes is pipes:
            self._pipes = None
            await pipes.stop()
        for waiting in self._waiting.values():
            waiting.inbox.put_nowait(trouble or self._ended(pipes))

    def _hand_out(self, pipes: Pipes, message: Json, line: bytes) -> bool:
        """Whether the message is one that may come: a response to nobody's request may not."""
        if "method" not in message:
            known = self._waiting.get(message["id"]) if isinstance(message.get("id"), int) else None
            if known is not None:
                known.inbox.put_nowait((message, line))
            return known is not None
        listener = self._listener(message)
        if listener is not None and ("id" in message or listener.inbox.qsize() < MOST_UNREAD):
            listener.inbox.put_nowait((message, line))
        elif listener is None and "id" in message:
            is_ping = message["method"] == "ping"
            error = {"code": METHOD_NOT_FOUND, "message": "No call is under way that this could belong to."}
            reply: Json = {"result": {}} if is_ping else {"error": error}
            self._tell(pipes, {"jsonrpc": "2.0", "id": message["id"], **reply})
        return True

    def _listener(self, message: Json) -> _Waiting | None:
        if message["method"] == "notifications/progress":
            params = message.get("params")
            token = params.get("progressToken") if isinstance(params, dict) else None
            return next((one for one in self._waiting.values() if token is not None and one.token == token), None)
        calls = [one for one in self._waiting.values() if one.is_call]
        return calls[0] if len(calls) == 1 else None

    def _ended(self, pipes: Pipes) -> UpstreamFailed:
        said = pipes.last_words()
        return UpstreamFailed(
            "The program of the server ended.", dispatched=True, hint=f"Its last words: {said}" if said else None
        )

    def _wrong(self, what: str) -> UpstreamFailed:
        return UpstreamFailed(f"The server {what}.", dispatched=True)


def _message(line: bytes) -> Json | None:
    """The JSON-RPC message of a line; None for anything else, such as a greeting that was printed."""
    try:
        message = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return None
    return message if isinstance(message.get("method"), str) or "id" in message else None
