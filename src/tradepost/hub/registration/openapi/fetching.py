"""Fetching a document: over addresses that were checked, without a credential, bounded, without following redirects."""

from tradepost.hub.registration.openapi.reading import MAX_BYTES
from tradepost.hub.upstreams.guard import Guard
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.http_request import header_lines, read_http_url
from tradepost.protocol.upstream_errors import UpstreamFailed

SECONDS = 30.0
CONNECT_SECONDS = 3.0


async def fetch_document(guard: Guard, url: str) -> bytes:
    """The bytes at a URL. Raises InvalidArgument for a URL that may not be used, UpstreamFailed, UpstreamTimedOut."""
    await guard.check(url)
    to = read_http_url(url)
    headers = {
        "host": to.authority,
        "accept": "application/json, application/yaml, text/yaml, */*;q=0.5",
        "accept-encoding": "identity",
    }
    head = f"GET {to.target} HTTP/1.1\r\n".encode() + header_lines(headers) + b"\r\n"
    async with guard.http_pool() as pool, Deadline(SECONDS) as deadline:
        answer = await pool.send(to, head, b"", deadline, connect_seconds=CONNECT_SECONDS, repeatable=True)
        try:
            return await _body(answer)
        finally:
            answer.close()


async def _body(answer: HttpAnswer) -> bytes:
    if 300 <= answer.status < 400:
        raise _failed(f"was answered with a redirect (HTTP {answer.status}), which is not followed", answer.status)
    if answer.status != 200:
        raise _failed(f"was answered with HTTP {answer.status}", answer.status)
    if answer.headers.get("content-encoding", "").lower() not in ("", "identity"):
        raise _failed("came with a content encoding that was not asked for", answer.status)
    whole = await answer.whole(MAX_BYTES)
    if whole is None:
        raise _failed(f"is larger than {MAX_BYTES // 1024 // 1024} MiB", answer.status)
    return whole


def _failed(what: str, status: int) -> UpstreamFailed:
    return UpstreamFailed(
        f"The document {what}.",
        dispatched=True,
        answered=True,
        status=status,
        hint="Give the address where it is itself, or save it and give the file.",
    )
