"""Webhooks on the wire: Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature), over checked addresses
alone, small, in time, without following a redirect."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.notices.failures import NotSent
from tradepost.hub.upstreams.guard import Guard
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import header_lines, read_http_url
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

SECONDS = 15.0
CONNECT_SECONDS = 5.0
MAX_ANSWER = 16 * 1024
SECRET_PREFIX = "whsec_"  # noqa: S105 (what a secret begins with)
_SECRET_BYTES = 32
_GONE = 410


def new_secret() -> str:
    """A secret that signs: `whsec_` and 256 random bits in base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def checked_secret(secret: str) -> str:
    """A secret that somebody brings along: 24 to 64 bytes. Raises InvalidArgument, never naming it."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise InvalidArgument(
            "That is no secret of a webhook.", field="secret", hint="It is whsec_ and 24 to 64 bytes in base64."
        )
    return secret


def signature(signers: Sequence[str], message_id: str, timestamp: int, body: str) -> str:
    """The header's value: one signature by each secret, the newest first."""
    text = f"{message_id}.{timestamp}.{body}".encode()
    keys = [base64.b64decode(one.removeprefix(SECRET_PREFIX)) for one in signers]
    return " ".join("v1," + base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode() for key in keys)


class Poster:
    """Posts messages to where a workspace's admin wants them."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._pool: HttpPool | None = None

    async def post(self, url: str, message_id: str, timestamp: int, body: str, signers: Sequence[str]) -> int:
        """Send one message, once. Returns the status. Raises NotSent."""
        headers = {"content-type": "application/json", "user-agent": "Tradepost-Webhooks/1"}
        if signers:
            headers["webhook-id"], headers["webhook-timestamp"] = message_id, str(timestamp)
            headers["webhook-signature"] = signature(signers, message_id, timestamp, body)
        try:
            async with asyncio.timeout(SECONDS):
                status = await self._status(url, headers, body.encode())
        except TimeoutError:
            raise NotSent(f"It did not answer within {SECONDS:g} seconds.") from None
        except (UpstreamFailed, UpstreamTimedOut, PermissionError, OSError) as error:
            raise NotSent("It cannot be reached, or not at an address that is allowed.") from error
        if not 200 <= status < 300:
            raise NotSent(f"It answered with the status {status}.", gone=status == _GONE)
        return status

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.close()

    async def _status(self, url: str, headers: dict[str, str], body: bytes) -> int:
        if self._pool is None:
            self._pool = self._guard.http_pool()
        to = read_http_url(url)
        headers = {"host": to.authority, **headers, "content-length": str(len(body))}
        head = f"POST {to.target} HTTP/1.1\r\n".encode() + header_lines(headers) + b"\r\n"
        answer = await self._pool.send(
            to, head, body, Deadline(SECONDS), connect_seconds=CONNECT_SECONDS, repeatable=False
        )
        try:
            await answer.whole(MAX_ANSWER)  # looked at by nobody; so that the connection can be used again
            return answer.status
        finally:
            answer.close()
