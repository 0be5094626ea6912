"""Requests and answers that leave together at the end of a turn of the loop: in order, and none before its time."""

import asyncio
import socket

import pytest

from tests.protocol.raw_server import OK
from tradepost.protocol.http_connection import HttpConnection
from tradepost.protocol.turn_writes import writes_of
from tradepost.protocol.upstream_errors import UpstreamFailed


class Wire(asyncio.Transport):
    """Notes what it is told; `order` is shared by several."""

    def __init__(self, order: list[bytes], end: socket.socket | None = None) -> None:
        super().__init__({"socket": end})
        self._order = order
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._order.append(bytes(data))

    def abort(self) -> None:
        self._closing = True

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return 0


async def test_what_is_written_leaves_in_order_but_for_what_was_aborted():
    order: list[bytes] = []
    one, other, gone = (Wire(order) for _ in range(3))
    writes = writes_of(asyncio.get_running_loop())
    writes.write(one, b"1")
    writes.write(gone, b"2")
    writes.write(other, b"3")
    gone.abort()
    assert order == []
    await asyncio.sleep(0)
    assert order == [b"1", b"3"]
    writes.write(one, b"4")
    writes.flush()
    await asyncio.sleep(0)
    assert order == [b"1", b"3", b"4"]


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_a_server_says_before_its_request_has_left_is_no_answer(at_once: bool):
    order: list[bytes] = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection, wire = HttpConnection(lambda _: None, lambda _: None), Wire(order, ours)
        connection.connection_made(wire)
        answer = connection.start(b"GET / HTTP/1.1\r\n\r\n", b"", at_once=at_once)
        assert bool(order) is at_once
        connection.data_received(OK)
        assert wire.is_closing() is not at_once
        if at_once:
            await answer.begun()
            assert answer.status == 200
            return
        connection.connection_lost(None)
        with pytest.raises(UpstreamFailed):
            await answer.begun()
        assert not connection.heard
        await asyncio.sleep(0)
        assert order == []
