"""What every REST request passes before its route, and every answer after it: credential, media type, size, strict
JSON, idempotency key; request id, no caching. An error becomes a problem here, whoever raised it.
"""

import asyncio
import hmac
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from starlette.types import Message, Receive, Scope, Send

from tradepost.api.access import ANSWER, CALLER, KEY_TAKEN, PARTS
from tradepost.api.answer import Answer
from tradepost.api.application import application, document
from tradepost.api.customers import is_for
from tradepost.api.parts import Parts
from tradepost.api.problems import MEDIA_TYPE, NOT_FOUND, Problem, problem_of
from tradepost.database.again import unless_kept, whole
from tradepost.foundation.caller import Caller
from tradepost.foundation.canonical import canonical, parse_strict
from tradepost.foundation.errors import InvalidArgument, TradepostError, Unauthenticated, Unavailable
from tradepost.foundation.ids import new_id
from tradepost.hub.replays.keeper import Asked, Replays, checked_key
from tradepost.protocol.exchange import ClientGone, Exchange, Refused

DOCUMENT_PATH = "/api/v1/openapi.json"
KEY_HEADER = "idempotency-key"
REPLAYED_HEADER = "idempotency-replayed"
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_WELCOME = frozenset({"agent_key", "api_key", "user"})  # other credentials are for other doors
# After these nothing was changed, Unavailable excepted. What a key was claimed for and ends otherwise is not known.
_REFUSALS = (TradepostError, StaleDataError, IntegrityError, DataError)
_ALWAYS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Front:
    """The whole REST application."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._routes = application()
        self._document = document()
        self._replays = Replays(parts.database, parts.now)
        self._secrets = parts.vault.secrets_for("replays")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        request_id = new_id("req")
        try:
            answer = await self._answer(exchange, request_id)
            await answer.begin()
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001  the edge: whatever it is, the client gets a problem
            answer = _problem(
                problem_of(error, "authorization" in exchange.headers, self._parts.metadata_url), request_id
            )
        await exchange.send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": answer.lines({**_ALWAYS, "x-request-id": request_id}),
            }
        )
        if answer.stream is None:
            await exchange.send({"type": "http.response.body", "body": answer.body})
        else:
            await _send_pieces(exchange, answer.body, answer.stream)

    async def ask(self, caller: Caller, method: str, path: str, query: str = "", body: bytes = b"") -> Answer:
        """What a request of somebody who has been let in elsewhere is answered: by the same routes, with the same rules
        and the same problems as over HTTP."""
        if "\0" in path:
            return _problem(NOT_FOUND, caller.request_id)
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": quote(path).encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(b"content-type", b"application/json")] if body else [],
        }
        try:
            answer = await self._routed(scope, caller, body)
            await answer.begin()
        except Exception as error:  # noqa: BLE001  an edge as the other one: whatever it is, a problem says it
            return _problem(problem_of(error, metadata_url=self._parts.metadata_url), caller.request_id)
        return answer

    async def _answer(self, exchange: Exchange, request_id: str) -> Answer:
        if exchange.path == DOCUMENT_PATH and exchange.method == "GET":
            return Answer(200, self._document, {"content-type": "application/json"})
        caller = await self._caller(exchange, request_id)
        body = await _body(exchange)
        if "\0" in exchange.path:
            return _problem(NOT_FOUND, request_id)
        key = exchange.headers.get(KEY_HEADER)
        if key is None or exchange.method not in _WRITES:
            return await self._routed(exchange.scope, caller, body)
        return await self._once(exchange, caller, body, checked_key(key))

    async def _caller(self, exchange: Exchange, request_id: str) -> Caller:
        """Who calls. Raises Unauthenticated, Unavailable."""
        if sum(name.lower() == b"authorization" for name, _ in exchange.scope["headers"]) > 1:
            raise Unauthenticated("This request has more than one credential.", hint="Send one bearer key.")
        caller = (await self._parts.gateway.gateway.authenticate(exchange.arrival())).for_request(request_id)
        if caller.principal.kind not in _WELCOME and not is_for(caller, exchange.path):
            raise Unauthenticated("This credential is not for REST.", hint="Send a key of a person or an agent.")
        await self._parts.gateway.gateway.count(caller)
        return caller

    async def _once(self, exchange: Exchange, caller: Caller, body: bytes, key: str) -> Answer:
        """The answer to a request with an idempotency key: its own, or the one that the same request got before."""
        path, query = exchange.path, exchange.scope["query_string"].decode("latin-1")
        asked = Asked(
            caller=caller,
            operation=f"{exchange.method} {path}"[:400],
            key=key,
            fingerprints=self._fingerprints([exchange.method, path, query, parse_strict(body) if body else None]),
        )
        if _takes_key_itself(path):
            return await self._routed(exchange.scope, caller, body, key)
        kept = await whole(lambda: self._replays.claim(asked))
        if kept is not None:
            headers = {"content-type": "application/json", REPLAYED_HEADER: "true"}
            return Answer(kept.status, kept.body.encode(), headers if kept.body else {REPLAYED_HEADER: "true"})
        try:
            answer = await self._routed(exchange.scope, caller, body)
        except _REFUSALS as error:
            if not isinstance(error, Unavailable):
                await self._replays.free(asked)
            raise
        if answer.status < 400:
            said = (answer.for_repetitions or answer.body).decode()
            await whole(lambda: self._replays.keep(asked, answer.status, said))
        elif answer.status < 500:
            await self._replays.free(asked)
        return answer

    def _fingerprints(self, request: Any) -> list[str]:
        """The digest of a request, which nobody can guess its way back from: a body may hold a short secret. By the
        newest secret first; the first time the request came, another one may have been it."""
        text = canonical(request)
        return [hmac.digest(secret, text, "sha256").hex() for secret in self._secrets()]

    async def _routed(self, asked: Scope, caller: Caller, body: bytes, key: str | None = None) -> Answer:
        """What the route of a request answers. Raises whatever it raises."""
        if asked["method"] not in _WRITES:
            return await self._through_route(asked, caller, body, key)
        return await unless_kept(lambda: self._through_route(asked, caller, body, key))

    async def _through_route(self, asked: Scope, caller: Caller, body: bytes, key: str | None) -> Answer:
        collected = Answer(500)
        scope = {**asked, CALLER: caller, PARTS: self._parts, KEY_TAKEN: key, ANSWER: collected}

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            collected.take(message)

        await self._routes(scope, receive, send)
        return collected


async def _send_pieces(exchange: Exchange, first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
    """The body of a stream, as quickly as the client takes it. One that breaks off has no end: the client sees that."""
    gone = asyncio.ensure_future(exchange.disconnected())
    try:
        async with aclosing(rest):
            await exchange.send({"type": "http.response.body", "body": first, "more_body": True})
            while (piece := await _next(rest, gone)) is not None:
                await exchange.send({"type": "http.response.body", "body": piece, "more_body": True})
        await exchange.send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def _next(rest: AsyncGenerator[bytes, None], gone: asyncio.Future[None]) -> bytes | None:
    """The next piece; None at the end, or when the client has left: a stream may have nothing to say for hours."""
    piece = asyncio.create_task(_piece(rest))
    both: set[asyncio.Future[Any]] = {piece, gone}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        return await piece if piece.done() else None
    finally:
        if not piece.done():
            piece.cancel()
            await asyncio.gather(piece, return_exceptions=True)


async def _piece(rest: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(rest, None)


def _takes_key_itself(path: str) -> bool:
    """Contacts are changed by calls of tools, and a tool's call is made once by the gateway."""
    return path.startswith("/api/v1/contacts/")


async def _body(exchange: Exchange) -> bytes:
    """The body, where there is one: strict JSON in a size that is allowed. Raises Refused, InvalidArgument."""
    body = await exchange.body()
    if not body:
        return b""
    media_type = exchange.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(415, "Send the body as Content-Type: application/json.")
    if exchange.headers.get("content-encoding", "identity") != "identity":
        raise Refused(415, "Send the body without a Content-Encoding.")
    value: Any = parse_strict(body)
    if not isinstance(value, dict):
        raise InvalidArgument("The body is not a JSON object.", hint="Send one object.")
    return body


def _problem(problem: Problem, request_id: str) -> Answer:
    return Answer(problem.status, problem.body(request_id), {"content-type": MEDIA_TYPE, **problem.headers})
