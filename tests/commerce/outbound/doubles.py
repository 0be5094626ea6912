"""A mail server and an HTTP service on real sockets, which keep what they are sent and can say no."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from tests.protocol.conftest import served


@dataclass
class MailServer:
    """SMTP as far as a sender needs it. `answers` are replies to RCPT, used up one by one before it accepts."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")
            await writer.drain()

        await say("220 double")
        while line := (await reader.readline()).decode().strip():
            verb = line[:4].upper()
            if verb == "RCPT" and self.answers:
                await say(self.answers.pop(0))
            elif verb == "DATA":
                await say("354 go on")
                body = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(message_from_bytes(body[:-3], policy=policy.default))
                await say("250 kept")
            elif verb == "QUIT":
                await say("221 bye")
                break
            else:
                await say("250 fine")
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    double = MailServer()
    server = await asyncio.start_server(double.talk, "127.0.0.1", 0)
    double.port = server.sockets[0].getsockname()[1]
    async with server:
        yield double


@dataclass
class Service:
    """A vendor's service. `answers` are (status, body) used up one by one; then it does what it is asked, once per
    key. `done` has what it did, `asked` every request. It answers while `answering` is set."""

    url: str = ""
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    done: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    answering: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answering.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        kind, key, request = scope["path"].rpartition("/")[2], headers["idempotency-key"], json.loads(body)
        self.asked.append((kind, key, request))
        self.busy.set()
        await self.answering.wait()
        if headers.get("authorization") != "Bearer let-me-in":
            status, answer = 401, {"message": "who are you"}
        elif self.answers:
            status, answer = self.answers.pop(0)
        else:
            self.done.setdefault(key, (kind, request))
            status, answer = 200, {"reference": f"{kind}-{list(self.done).index(key) + 1}", "tracking_number": "1Z77"}
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


@asynccontextmanager
async def service() -> AsyncIterator[Service]:
    double = Service()
    async with served(double) as base:
        double.url = base
        yield double
