"""What can go wrong with an answer: F4 to F10 of the fault list, and bombs."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.proxy import Fault, Request

JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Case:
    """A fault. `carried_out`: the server did what it was asked, and only its answer is lost; `is_open`: nobody can know
    from the answer whether it did."""

    fault: Fault
    carried_out: bool = False
    is_open: bool = True


def _body(request: Request, result: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (request.message["id"], result)


def whole(body: bytes, head: bytes = JSON_HEAD) -> bytes:
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


def saying(make: Callable[[Request], bytes]) -> Fault:
    async def fault(request: Request) -> None:
        await request.write(make(request))

    return fault


async def silent(request: Request) -> None:
    await asyncio.Event().wait()


async def silent_after_headers(request: Request) -> None:
    await request.write(JSON_HEAD + b"content-length: 100\r\n\r\n")
    await asyncio.Event().wait()


async def dripping(request: Request) -> None:
    await request.write(JSON_HEAD + b"content-length: 100000\r\n\r\n")
    while True:
        await request.write(b" ")
        await asyncio.sleep(0.02)


async def dripping_headers(request: Request) -> None:
    await request.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await request.write(b"x-a: b\r\n")
        await asyncio.sleep(0.02)


async def reset(request: Request) -> None:
    request.reset()


async def cut(request: Request) -> None:
    """The server has done it; its answer breaks off in the middle."""
    answer = await request.real()
    await request.write(answer[: len(answer) - 10])


async def cut_in_a_character(request: Request) -> None:
    event = b"data: " + _body(request, '{"content":[],"note":"ü'.encode())
    await request.write(STREAM_HEAD + event[:-1])


def sending(chunk: bytes, head: bytes) -> Callable[[Request], Awaitable[None]]:
    """Without an end: 64 MB at most, so that a test that fails ends too."""

    async def fault(request: Request) -> None:
        await request.write(head)
        for _ in range(64 * MEGABYTE // len(chunk)):
            await request.write(chunk)

    return fault


def bomb(request: Request) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join([*(packer.compress(b" " * MEGABYTE) for _ in range(64)), packer.flush()])
    return whole(packed, JSON_HEAD + b"content-encoding: gzip\r\n")


DEEP = b"[" * 100_000 + b"]" * 100_000

FAULTS: dict[str, Case] = {
    "F4 silence": Case(silent),
    "F5 headers, then silence": Case(silent_after_headers),
    "F6 drip": Case(dripping),
    "F6 drip in the headers": Case(dripping_headers),
    "F7 cut in the body": Case(cut, carried_out=True),
    "F7 cut in a character of an event": Case(cut_in_a_character),
    "F8 reset after the request": Case(reset),
    "F9 HTML": Case(saying(lambda _: whole(b"<html>", b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n"))),
    "F9 garbage": Case(saying(lambda _: b"\x00\xff garbage\r\n\r\n")),
    "F9 nothing": Case(saying(lambda _: whole(b""))),
    "F9 another id": Case(saying(lambda _: whole(b'{"jsonrpc":"2.0","id":99999,"result":{}}'))),
    "F9 two answers": Case(saying(lambda one: whole(_body(one, b"{}") * 2))),
    "F9 a result of no known type": Case(saying(lambda one: whole(_body(one, b'{"resultType":"maybe"}')))),
    "F10 a body without end": Case(sending(b" " * MEGABYTE, JSON_HEAD + b"\r\n")),
    "F10 an event without end": Case(sending(b"x" * MEGABYTE, STREAM_HEAD + b"data: ")),
    "F10 events without end": Case(sending(b": keep-alive\n\n" * 60_000, STREAM_HEAD)),
    "F10 headers without end": Case(sending(b"x-a: " + b"b" * 1000 + b"\r\n", b"HTTP/1.1 200 OK\r\n")),
    "F10 a bomb": Case(saying(bomb)),
    "JSON nested deep": Case(saying(lambda one: whole(_body(one, b'{"content":[],"structuredContent":%b}' % DEEP)))),
    "JSON with a number without end": Case(saying(lambda one: whole(_body(one, b'{"n":%b' % (b"9" * MEGABYTE))))),
    "F12 500": Case(saying(lambda _: b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n")),
}


def status(code: int) -> Fault:
    return saying(lambda _: b"HTTP/1.1 %d No\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n" % code)


REFUSALS = {f"F12 {code}": Case(status(code), is_open=False) for code in (400, 401, 403, 404, 413, 429)}
