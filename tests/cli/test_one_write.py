"""What is written in one turn of the loop leaves in one piece, in order, and nothing stays behind."""

import asyncio

from tradepost.cli.one_write import OneWriteTransport


class Socket(asyncio.Transport):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.told.append(bytes(data))

    def close(self) -> None:
        self.told.append("close")

    def abort(self) -> None:
        self.told.append("abort")

    def is_closing(self) -> bool:
        return "close" in self.told or "abort" in self.told

    def get_write_buffer_size(self) -> int:
        return 0


async def test_what_is_written_in_one_turn_leaves_together() -> None:
    socket = Socket()
    transport = OneWriteTransport(socket)
    transport.write(b"head ")
    transport.write(bytearray(b"body"))
    assert socket.told == []
    assert transport.get_write_buffer_size() == 9
    await asyncio.sleep(0)
    assert socket.told == [b"head body"]
    transport.write(b"next")
    await asyncio.sleep(0)
    assert socket.told == [b"head body", b"next"]


async def test_closing_sends_what_is_held_first_and_aborting_drops_it() -> None:
    closed, aborted = Socket(), Socket()
    for socket in (closed, aborted):
        OneWriteTransport(socket).write(b"a")
    transport = OneWriteTransport(closed)
    transport.write(b"last")
    transport.close()
    dropped = OneWriteTransport(aborted)
    dropped.write(b"lost")
    dropped.abort()
    await asyncio.sleep(0)
    assert closed.told[:2] == [b"last", "close"]
    assert aborted.told == ["abort"]


async def test_whole_answers_of_several_clients_leave_in_order_and_closing_sends_them_first() -> None:
    first, second = Socket(), Socket()
    one, other = OneWriteTransport(first), OneWriteTransport(second)
    one.write_whole(b"a")
    one.write(b"b")
    other.write_whole(b"c")
    assert first.told == second.told == []
    other.close()
    assert second.told == [b"c", "close"]
    await asyncio.sleep(0)
    assert first.told == [b"a", b"b"]
