"""JSON-RPC with an MCP server over its standard input and output: one message per line, both eras."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import orjson

from tradepost.protocol.answers import MAX_ANSWER_BYTES
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.link import SharedLink, as_message, wrong
from tradepost.protocol.server_identity import Transport
from tradepost.protocol.upstream_errors import UpstreamFailed

logger = logging.getLogger(__name__)

MAX_LINE_BYTES = MAX_ANSWER_BYTES
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


Start = Callable[[], Awaitable[Pipes]]


class StdioLink(SharedLink[Pipes]):
    """One program; started with the first request, and again after it ended."""

    transport: Transport = "stdio"

    def __init__(self, start: Start, name: str) -> None:
        super().__init__()
        self._start = start
        self._name = name
        self._pipes: Pipes | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._started_at = float("-inf")

    async def delete(self, headers: Mapping[str, str], deadline: Deadline) -> None:
        """There is no session apart from the program itself."""

    async def close(self) -> None:
        """End the program, if it runs."""
        pipes, self._pipes = self._pipes, None
        if pipes is not None:
            await pipes.stop()
        if self._reading is not None:
            await self._reading

    async def _opened(self) -> Pipes:
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
                self._pipes = pipes
                self._reading = asyncio.create_task(self._read(pipes), name=f"answers of {self._name}")
            return self._pipes

    async def _send(self, to: Pipes, message: Json, headers: Mapping[str, str], deadline: Deadline) -> None:
        try:
            to.writer.write(orjson.dumps(message) + b"\n")
            await to.writer.drain()
        except (ConnectionError, RuntimeError) as error:
            raise _ended(to) from error

    def _tell(self, to: Pipes, message: Json) -> None:
        with suppress(ConnectionError, RuntimeError):  # it has ended meanwhile
            to.writer.write(orjson.dumps(message) + b"\n")

    async def _read(self, pipes: Pipes) -> None:
        """Hand out what the program says until it ends, or says what cannot be read."""
        trouble: UpstreamFailed | None = None
        try:
            while line := await pipes.reader.readline():
                self._hand_out(pipes, _message(line), line)
        except UpstreamFailed as error:
            trouble = error
        except ValueError:
            trouble = wrong(f"sent a line of more than {MAX_LINE_BYTES} bytes")
        except ConnectionError as error:
            logger.debug("%s: %s", self._name, error)
        if self._pipes is pipes:
            self._pipes = None
            self.generation += 1
            await pipes.stop()
        self._fail_all(pipes, trouble or _ended(pipes))


def _ended(pipes: Pipes) -> UpstreamFailed:
    said = pipes.last_words()
    return UpstreamFailed(
        "The program of the server ended.", dispatched=True, hint=f"Its last words: {said}" if said else None
    )


def _message(line: bytes) -> Json | None:
    """None for what is no message, such as a greeting that was printed."""
    try:
        return as_message(orjson.loads(line))
    except orjson.JSONDecodeError:
        return None
