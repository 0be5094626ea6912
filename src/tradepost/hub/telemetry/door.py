"""`GET /metrics`, for whoever knows the operator's token. Without such a token there is nothing there."""

import hmac
from collections.abc import Awaitable, Callable
from importlib import import_module

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from tradepost.hub.telemetry.meters import Counted

PATH = "/metrics"


class MetricsDoor:
    """Answers Prometheus. `token` is what it has to send as its bearer."""

    def __init__(self, counted: Callable[[], Awaitable[Counted]], token: str) -> None:
        self._counted = counted
        self._expected = f"Bearer {token}".encode() if token else b""

    def owns(self, path: str) -> bool:
        """Whether the path is its own."""
        return bool(self._expected) and path == PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").encode("latin-1")
        if not hmac.compare_digest(given, self._expected):
            return PlainTextResponse("Send the metrics token as a bearer.\n", 401, {"www-authenticate": "Bearer"})
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("Only GET.\n", 405, {"allow": "GET, HEAD"})
        prometheus = import_module("tradepost.hub.telemetry.prometheus")  # with the library, which few hubs need
        return Response(prometheus.exposition(await self._counted()), media_type=prometheus.MEDIA_TYPE)
