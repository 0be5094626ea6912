"""The public keys with which servers verify what this hub says of callers, at /.well-known/jwks.json."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tradepost.hub.gateway.reach import DATABASE_ERRORS, away

PATH = "/.well-known/jwks.json"
MEDIA_TYPE = "application/jwk-set+json"

Published = Callable[[], Awaitable[list[dict[str, Any]]]]


class Jwks:
    """Answers GET and HEAD for everybody: there is nothing secret in it. `seconds` are those it may be kept."""

    def __init__(self, published: Published, seconds: int) -> None:
        self._published = published
        self._headers = {"cache-control": f"public, max-age={seconds}"}

    def owns(self, path: str) -> bool:
        """Whether the path is its own."""
        return path == PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return JSONResponse({"error": "method_not_allowed"}, 405, {"allow": "GET, HEAD"})
        try:
            body = orjson.dumps({"keys": await self._published()})
        except DATABASE_ERRORS as error:
            gone = away(error)
            if gone is None:
                raise
            return JSONResponse(gone.as_dict(), 503, {"cache-control": "no-store", "retry-after": "1"})
        return Response(body, media_type=MEDIA_TYPE, headers=self._headers)
