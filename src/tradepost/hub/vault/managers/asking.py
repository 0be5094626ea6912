"""Asking a secrets manager: one small JSON answer, in time, over verified TLS. The operator named the address, so it
may be anywhere; no redirect is followed. Nothing of an answer appears in an error or a log."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tradepost.foundation.errors import SetupError, Unavailable
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import header_lines, read_http_url
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

SECONDS = 10.0
CONNECT_SECONDS = 3.0
MAX_ANSWER = 262_144


@dataclass(frozen=True, slots=True)
class Answered:
    """Status and, where the body is a JSON object, that."""

    status: int
    body: dict[str, Any]

    def at(self, *path: str) -> Any:
        """What is at a place in the body, None where there is nothing."""
        found: Any = self.body
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found


class Asker:
    """Requests to one manager. `name` is the operator's name for it."""

    def __init__(self, name: str, url: str, ca_file: Path | None = None) -> None:
        self.name = name
        self._url = url.rstrip("/")
        self._ca_file = ca_file
        self._pool: HttpPool | None = None

    async def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"", *, repeatable: bool = True
    ) -> Answered:
        """What the manager answers. `repeatable` as for HttpPool.send. Raises Unavailable where it does not."""
        to = read_http_url(self._url + target)
        sent = {"host": to.authority, "accept": "application/json", "accept-encoding": "identity", **headers}
        if body or method == "POST":
            sent["content-length"] = str(len(body))
        head = f"{method} {to.target} HTTP/1.1\r\n".encode() + header_lines(sent) + b"\r\n"
        if self._pool is None:
            self._pool = HttpPool(_addresses, self._tls())
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._pool.send(
                    to, head, body, Deadline(SECONDS), connect_seconds=CONNECT_SECONDS, repeatable=repeatable
                )
                try:
                    return Answered(answer.status, _object_in(await self._whole(answer)))
                finally:
                    answer.close()
        except TimeoutError:
            raise self.failed(f"did not answer within {SECONDS:g} seconds") from None
        except (UpstreamFailed, UpstreamTimedOut):
            raise self.failed("cannot be reached") from None

    async def close(self) -> None:
        """Close its connections."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    def failed(self, why: str) -> Unavailable:
        """The sentence for a secret that is not to be had."""
        return Unavailable(
            f"A credential is kept in the secrets manager '{self.name}', which {why}: nothing was sent.",
            hint="Try again. If it stays so, the operator looks at the manager and at what the hub may read there.",
        )

    async def _whole(self, answer: HttpAnswer) -> bytes:
        whole = await answer.whole(MAX_ANSWER)
        if whole is None:
            raise self.failed("answered with more than any secret is")
        return whole

    def _tls(self) -> ssl.SSLContext:
        try:
            tls = ssl.create_default_context(cafile=self._ca_file)
        except OSError as error:
            raise SetupError(
                f"The certificates of the secrets manager '{self.name}' cannot be read: {error.strerror}.",
                hint="Mend its `ca_file` in the file of secrets managers.",
            ) from error
        tls.set_alpn_protocols(["http/1.1"])
        return tls


async def _addresses(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _object_in(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
