"""What holds for every door beside the MCP endpoint, whatever stands behind it: Host (421), Origin (403), a bounded
body that came in time (413, 408, 400), and the headers that keep browsers from doing harm with an answer."""

from collections.abc import Awaitable, Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol

import orjson

from tradepost.protocol.cors import preflight, shared_with
from tradepost.protocol.exchange import ClientGone, Exchange, Receive, Refused, Scope, Send
from tradepost.protocol.guards import Doorkeeper

Headers = Sequence[tuple[bytes, bytes]]
_CODES = {
    403: ("forbidden_origin", "Origin not allowed"),
    408: ("request_timeout", "The request took too long"),
    413: ("body_too_large", "The request body is too large"),
    421: ("misdirected_request", "Not this host"),
}
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})

# A door that knows better says so itself; what it says stands.
SAFE_HEADERS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # without any, browsers send forms with the origin "null"
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")


class Door(Protocol):
    """An ASGI application for some of the paths."""

    def owns(self, path: str) -> bool:
        """Whether the path is its own."""
        ...

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]: ...


class GuardedDoors:
    """Several doors behind one guard."""

    def __init__(
        self,
        doors: Sequence[Door],
        doorkeeper: Doorkeeper,
        *,
        https: bool,
        own: Mapping[str, Doorkeeper] | None = None,
    ) -> None:
        """`own` are doorkeepers for what is below a path, instead of the one for everything."""
        self._doors = tuple(doors)
        self._doorkeeper = doorkeeper
        self._own = tuple((own or {}).items())
        self._headers = (*SAFE_HEADERS, HTTPS_ONLY) if https else SAFE_HEADERS

    def owner(self, path: str) -> Door | None:
        """Whose the path is."""
        return next((door for door in self._doors if door.owns(path)), None)

    async def serve(self, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a door answer a request that may come in."""
        more: list[tuple[bytes, bytes]] = []
        answer = self._safely(send, more)
        exchange = Exchange(scope, receive, answer)
        try:
            host, origin = exchange.headers.get("host"), exchange.headers.get("origin")
            doorkeeper = self._doorkeeper_of(scope["path"])
            doorkeeper.check(scope.get("scheme", "http"), host, origin)
            if origin is not None and doorkeeper.shares_with(origin):
                more += shared_with(origin)
                if exchange.method == "OPTIONS":
                    await exchange.respond(204, headers=preflight(exchange.headers))
                    return
            body = b"" if exchange.method in _WITHOUT_BODY else await exchange.body()
        except ClientGone:
            return
        except Refused as refused:
            await _refuse(exchange, refused)
            return
        await door(scope, _body_then(body, receive), answer)

    def _doorkeeper_of(self, path: str) -> Doorkeeper:
        return next((one for below, one in self._own if path.startswith(below)), self._doorkeeper)

    def _safely(self, send: Send, more: Headers) -> Send:
        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                names = {bytes(name).lower() for name, _ in given}
                given.extend(line for line in (*more, *self._headers) if line[0] not in names)
                message = {**message, "headers": given}
            await send(message)

        return sending


def _body_then(body: bytes, receive: Receive) -> Receive:
    """A receive that gives a body that has been read already."""
    whole: list[bytes] = [body]

    async def receiving() -> MutableMapping[str, Any]:
        if whole:
            return {"type": "http.request", "body": whole.pop(), "more_body": False}
        return await receive()

    return receiving


async def _refuse(exchange: Exchange, refused: Refused) -> None:
    """A problem (RFC 9457): these doors speak no JSON-RPC."""
    code, title = _CODES.get(refused.status, ("invalid_argument", HTTPStatus(refused.status).phrase))
    problem = {
        "type": f"urn:tradepost:problem:{code}",
        "title": title,
        "status": refused.status,
        "detail": refused.message,
        "code": code,
    }
    headers = [(name.encode(), value.encode()) for name, value in refused.headers.items()]
    body = orjson.dumps(problem)
    headers += [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await exchange.send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": body})
