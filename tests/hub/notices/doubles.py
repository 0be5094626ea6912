"""Receivers on real sockets: a mail server, and an HTTP server that keeps what is posted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP

LINK = re.compile(r"http://\S+/approvals/by-link/\S+")


@dataclass
class Mailbox:
    """What came; `answer` is what the server says next."""

    port: int = 0
    answer: str = "250 OK"
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            message = BytesParser(EmailMessage, policy=default).parsebytes(envelope.content)
            self.mails.append((envelope.rcpt_tos[0], message))
        return self.answer

    def links(self) -> dict[str, str]:
        """The path of the last link of each person."""
        return {to: "/" + LINK.findall(mail.get_content())[-1].split("/", 3)[3] for to, mail in self.mails}


@asynccontextmanager
async def mail_server() -> AsyncIterator[Mailbox]:
    """A mail server on a free port."""
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box, hostname="double"), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()


@dataclass
class Receiver:
    """Keeps headers and bodies; `status` is what it answers."""

    url: str = ""
    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.got.append((headers, body))
        location = [(b"location", self.url.encode())] if self.status == 307 else []
        await send({"type": "http.response.start", "status": self.status, "headers": location})
        await send({"type": "http.response.body", "body": b""})
