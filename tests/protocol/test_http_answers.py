"""Answers in all their HTTP shapes, good and bad, over a real socket."""

import asyncio

import pytest

from tests.protocol.raw_server import OK, Seen, asking, writing
from tradepost.protocol.http_answer import MAX_HELD_BYTES
from tradepost.protocol.http_connection import MAX_HEAD_BYTES, MAX_HEADERS
from tradepost.protocol.upstream_errors import UpstreamFailed

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OLD = OK.replace(b"1.1", b"1.0")
GOOD = {
    "with a length": (OK, 200, b"hi"),
    "empty": (b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 202, b""),
    "without a body by its status": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "in chunks": (CHUNKED + b"1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", 200, b"hi"),
    "in chunks with extensions and trailers": (CHUNKED + b"2;a=b\r\nhi\r\n0\r\nx: y\r\n\r\n", 200, b"hi"),
    "after interim ones": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nlink: a\r\n\r\n" + OK, 200, b"hi"),
    "of an old server that goes on": (
        OK.replace(b"1.1", b"1.0").replace(b"OK", b"OK\r\nConnection: keep-alive"),
        200,
        b"hi",
    ),
    "with headers of odd case and blanks": (OK.replace(b"content-length: ", b"CONTENT-Length:  \t "), 200, b"hi"),
}
LAST = {
    "that says so": (OK.replace(b"OK", b"OK\r\nConnection: close"), 200, b"hi"),
    "of an old server": (OLD, 200, b"hi"),
    "with more than its length": (OK + b"more", 200, b"hi"),
    "with a second answer": (OK + OK, 200, b"hi"),
    "with a body that its status forbids": (b"HTTP/1.1 204 x\r\ncontent-length: 2\r\n\r\nhi", 204, b""),
}
UNTIL_CLOSE = b"HTTP/1.%d 200 OK\r\ncontent-type: text/plain\r\n\r\nhi"


@pytest.mark.parametrize("piece", [10_000, 1])
@pytest.mark.parametrize("shape", GOOD)
async def test_an_answer_is_read_and_its_connection_used_again(shape: str, piece: int):
    data, status, body = GOOD[shape]

    async def behave(seen: Seen) -> None:
        for start in range(0, len(data), piece):
            await seen.write(data[start : start + piece])
            await asyncio.sleep(0)

    async with asking(behave) as (server, asker):
        for _ in range(3):
            assert await asker.ask() == (status, body)
        assert server.connections == 1


@pytest.mark.parametrize("shape", LAST)
async def test_an_answer_is_read_and_its_connection_not_used_again(shape: str):
    data, status, body = LAST[shape]
    async with asking(writing(data)) as (server, asker):
        for _ in range(2):
            assert await asker.ask() == (status, body)
        await server.left()
        assert server.connections == 2


@pytest.mark.parametrize("version", [0, 1])
async def test_a_body_may_end_with_the_connection(version: int):
    async def behave(seen: Seen) -> None:
        await seen.write(UNTIL_CLOSE % version)
        raise ConnectionError

    async with asking(behave) as (server, asker):
        assert [await asker.ask() for _ in range(2)] == [(200, b"hi")] * 2
        assert server.connections == 2


async def test_doubled_headers_are_joined_and_names_are_lower_case():
    data = OK.replace(b"OK", b"OK\r\nX-Tag: a\r\nx-tag:  b ")
    async with asking(writing(data)) as (_, asker):
        answer = await asker.begun()
        assert answer.headers == {"x-tag": "a, b", "content-length": "2"}
        answer.close()


BAD = {
    "not HTTP": b"garbage\r\n\r\n",
    "of another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "with a bare line feed": b"HTTP/1.1 200 OK\ncontent-length: 2\n\nhi",
    "of another version": OK.replace(b"1.1", b"3.7"),
    "that switches the protocol": b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhi",
    "that switches without saying to what": b"HTTP/1.1 101 Go\r\n\r\n",
    "with a status that is none": OK.replace(b"200", b"099"),
    "with two lengths": OK.replace(b"OK", b"OK\r\ncontent-length: 3"),
    "with a negative length": OK.replace(b": 2", b": -2"),
    "with an endless length": OK.replace(b": 2", b": " + b"9" * 30),
    "with a length and in chunks": OK.replace(b"OK", b"OK\r\ntransfer-encoding: chunked"),
    "in a coding nobody asked for": CHUNKED.replace(b"chunked", b"gzip, chunked") + b"0\r\n\r\n",
    "in a coding without an end": CHUNKED.replace(b"chunked", b"gzip") + b"hi",
    "with a folded header": OK.replace(b"OK", b"OK\r\na: b\r\n c"),
    "with a control character": OK.replace(b"OK", b"OK\r\na: \x01"),
    "with a chunk that is no number": CHUNKED + b"zz\r\nhi\r\n",
    "with a chunk longer than it says": CHUNKED + b"1\r\nhi\r\n0\r\n\r\n",
    "with too many headers": OK.replace(b"OK", b"OK" + b"\r\na: b" * (MAX_HEADERS + 1)),
    "with too long a header": OK.replace(b"OK", b"OK\r\na: " + b"b" * MAX_HEAD_BYTES),
    "shorter than its length": OK[:-1],
    "cut in a chunk": CHUNKED + b"5\r\nhi",
    "cut before the last chunk": CHUNKED + b"2\r\nhi\r\n",
    "cut in its head": OK[:30],
    "without a byte": b"",
}


@pytest.mark.parametrize("shape", BAD)
async def test_a_wrong_answer_is_one_sentence_and_ends_the_connection(shape: str):
    async def behave(seen: Seen) -> None:
        if seen.in_all == 2:
            await seen.write(BAD[shape])
            raise ConnectionError
        await seen.write(OK)

    async with asking(behave) as (server, asker):
        await asker.ask()
        with pytest.raises(UpstreamFailed) as failed:
            await asker.ask()
        assert (failed.value.dispatched, failed.value.answered) == (True, False)
        assert failed.value.message.startswith(("The server ", "The connection to the server "))
        assert asker.deadline.dispatched
        assert await asker.ask() == (200, b"hi")
        assert server.connections == 2


ENDLESS = {
    "header": (b"HTTP/1.1 200 OK\r\na: ", b"b" * 4096),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 10),
    "interim answers": (b"", b"HTTP/1.1 103 x\r\na: b\r\n\r\n" * 10),
    "chunk extension": (CHUNKED + b"2;", b"a" * 4096),
    "trailer": (CHUNKED + b"2\r\nhi\r\n0\r\na: ", b"b" * 4096),
    "trailers": (CHUNKED + b"2\r\nhi\r\n0\r\n", b"a: b\r\n" * 10),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_what_never_ends_is_cut(what: str):
    begin, more = ENDLESS[what]

    async def behave(seen: Seen) -> None:
        await seen.write(begin)
        while True:
            await seen.write(more)

    async with asking(behave) as (server, asker):
        with pytest.raises(UpstreamFailed, match="headers or"):
            await asker.ask()
        await server.left()


async def test_a_body_is_read_no_faster_than_it_is_taken():
    piece, pieces = b"x" * 65536, 512
    blocked = asyncio.Event()

    async def behave(seen: Seen) -> None:
        await seen.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(piece) * pieces))
        for _ in range(pieces):
            seen.writer.write(piece)
            try:
                async with asyncio.timeout(0.1):
                    await seen.writer.drain()
            except TimeoutError:
                blocked.set()
                await seen.writer.drain()

    async with asking(behave) as (server, asker):
        answer = await asker.begun()
        await blocked.wait()
        first = await anext(answer)
        assert len(first) <= 2 * MAX_HELD_BYTES + len(piece)
        assert len(first) + sum([len(more) async for more in answer]) == len(piece) * pieces
        answer.close()
        assert (await asker.begun()).status == 200
        assert server.connections == 1


async def test_an_answer_that_is_closed_early_takes_its_connection_along():
    async def behave(seen: Seen) -> None:
        await seen.write(CHUNKED + b"2\r\nhi\r\n")

    async with asking(behave) as (server, asker):
        answer = await asker.begun()
        assert await anext(answer) == b"hi"
        answer.close()
        answer.close()
        await server.left()


async def test_an_answer_before_the_request_was_read_ends_the_connection():
    async def behave(seen: Seen) -> None:
        await seen.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await asyncio.Event().wait()

    async with asking(behave, reads_bodies=False) as (server, asker):
        for _ in range(2):
            assert await asker.ask(b"x" * (16 * 1024 * 1024)) == (413, b"")
        assert server.connections == 2
