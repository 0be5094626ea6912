"""Answers that leave in one piece: head and body of a response, which are written one after the other in one turn of
the event loop, go to the socket together. That is one system call instead of two, and the client wakes once.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tradepost.protocol.turn_writes import writes_of


class OneWriteProtocol(HttpToolsProtocol):
    """Uvicorn's, over such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(OneWriteTransport(transport))


class OneWriteTransport(asyncio.Transport):
    """Another transport, which is written to once per turn of the loop."""

    def __init__(self, to: asyncio.Transport) -> None:
        super().__init__()
        self._to = to
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes | bytearray | memoryview] = []
        self._of_all = writes_of(self._loop)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def write_whole(self, data: bytes) -> None:
        """For what is whole: it leaves with the other answers of this turn."""
        if self._held:
            self._held.append(data)
        else:
            self._of_all.write(self._to, data)

    def close(self) -> None:
        self._of_all.flush()
        self._flush()
        self._to.close()

    def abort(self) -> None:
        self._held.clear()
        self._to.abort()

    def is_closing(self) -> bool:
        return self._to.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._to.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._to.pause_reading()

    def resume_reading(self) -> None:
        self._to.resume_reading()

    def is_reading(self) -> bool:
        return self._to.is_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._to.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._to.get_protocol()

    def get_write_buffer_size(self) -> int:
        return self._to.get_write_buffer_size() + sum(map(len, self._held))

    def _flush(self) -> None:
        held, self._held = self._held, []
        if held and not self._to.is_closing():
            self._to.write(held[0] if len(held) == 1 else b"".join(held))
