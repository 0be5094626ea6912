"""A host of client metadata documents with TLS on loopback, reached under the name of a public host."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.certificates import Certificates
from tests.identity.oauth.world import CALLBACK
from tradepost.hub.upstreams.guard import Guard
from tradepost.protocol.http_pool import HttpPool

HOST = "app.example"
LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


@dataclass
class Host:
    """Answers what tests put under a path; counts what is asked for."""

    port: int = 0
    answers: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=lambda: ["127.0.0.1"])
    trusted: ssl.SSLContext | None = None
    slow: bool = False
    name: str = HOST

    def url(self, path: str = "/client.json") -> str:
        return f"https://{self.name}:{self.port}{path}"

    def put(
        self,
        path: str = "/client.json",
        *,
        status: str = "200 OK",
        kind: str = "application/json",
        body: bytes | None = None,
        headers: str = "",
        **changes: Any,
    ) -> str:
        """Put an answer under a path: by default a right document, changed as said (None leaves a field out)."""
        document = {"client_id": self.url(path), "client_name": "Claude", "redirect_uris": [CALLBACK], **changes}
        kept = {name: value for name, value in document.items() if value is not None}
        content = orjson.dumps(kept) if body is None else body
        head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(content)}\r\n{headers}\r\n"
        self.answers[path] = head.encode() + content
        return self.url(path)

    async def resolve(self, host: str, port: int) -> list[str]:
        return self.addresses

    def pool(self, *, may_dial_loopback: bool = True) -> HttpPool:
        """Connections of a hub that trusts this host's certificate."""
        guard = Guard([LOOPBACK] if may_dial_loopback else [], resolver=self.resolve)
        return guard.http_pool(self.trusted)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            self.asked.append(path)
            answer = self.answers.get(path, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            for piece in [answer[at : at + 1] for at in range(len(answer))] if self.slow else [answer]:
                writer.write(piece)
                await writer.drain()
                if self.slow:
                    await asyncio.sleep(0.02)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the hub has had enough
        finally:
            writer.close()


@asynccontextmanager
async def documents_host(folder: Path, name: str = HOST) -> AsyncIterator[Host]:
    """A running host."""
    certificates = Certificates(folder, name)
    host = Host(trusted=certificates.trusting, name=name)
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0, ssl=certificates.server)
    async with server:
        host.port = server.sockets[0].getsockname()[1]
        yield host
