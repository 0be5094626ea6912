"""Broken MCP servers in one process, by the name in their path: `python -m bench.gateway.faulty PORT`.

Each says politely who it is; what follows a tools/call is the fault: `silent`, `drips`, `resets`, `garbage`, `floods`.
"""

import asyncio
import re
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import orjson

from bench.processes import answers, free_port, running

FAULTS = ("silent", "drips", "resets", "garbage", "floods")
DRIP_SECONDS = 0.02
FLOOD_BYTES = 64 * 1024 * 1024
_DISCOVERED = {
    "resultType": "complete",
    "supportedVersions": ["2026-07-28"],
    "capabilities": {"tools": {}},
    "ttlMs": 0,
    "cacheScope": "private",
}
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
_CHUNK = b" " * 65_536


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            message = orjson.loads(body) if body else {}
            if message.get("method") == "tools/call":
                await _break(head.split(b"/", 2)[1].decode(), reader, writer)
                return
            result = {"jsonrpc": "2.0", "id": message.get("id"), "result": _DISCOVERED}
            await _write(writer, _whole(orjson.dumps(result)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


async def _break(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if name == "resets":
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
    elif name == "garbage":
        await _write(writer, _whole(b"\x00 no JSON"))
    elif name == "silent":
        await reader.read()
    else:
        await _write(writer, _HEAD + b"content-length: %d\r\n\r\n" % FLOOD_BYTES)
        for _ in range(FLOOD_BYTES // len(_CHUNK)):
            await _write(writer, b" " if name == "drips" else _CHUNK)
            if name == "drips":
                await asyncio.sleep(DRIP_SECONDS)


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _whole(body: bytes) -> bytes:
    return _HEAD + b"content-length: %d\r\n\r\n" % len(body) + body


async def _main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port)
    await server.serve_forever()


@contextmanager
def running_faulty() -> Iterator[dict[str, str]]:
    """The servers in a process of their own: their URLs by name."""
    port = free_port()
    command = [sys.executable, "-m", "bench.gateway.faulty", str(port)]
    with running(command, lambda: answers(port, "/ready")):
        yield {name: f"http://127.0.0.1:{port}/{name}/mcp" for name in FAULTS}


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(int(sys.argv[1])))
