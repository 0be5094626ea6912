"""Serving the widget: one script, made of its parts when it is first asked for."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import orjson
from starlette.types import Receive, Scope, Send

from tradepost.protocol.exchange import Exchange

PATH = "/widget.js"
PARTS = ("languages.js", "words.js", "wire.js", "view.js", "chat.js")  # in the order in which they need each other
KEPT_SECONDS = 300
# Any page may load it: it has no secret, and what it can do is in the token that the page's shop gives it.
_HEADERS = {
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": f"public, max-age={KEPT_SECONDS}",
    "cross-origin-resource-policy": "cross-origin",
}


class Widget:
    """An ASGI application for the one path."""

    def owns(self, path: str) -> bool:
        """Whether the path is its own."""
        return path == PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        if exchange.method not in ("GET", "HEAD"):
            await _answer(exchange, 405, {"allow": "GET, HEAD"})
            return
        body, tag = script()
        headers = {**_HEADERS, "etag": tag}
        if exchange.headers.get("if-none-match") == tag:
            await _answer(exchange, 304, headers)
        else:
            headers["content-length"] = str(len(body))
            await _answer(exchange, 200, headers, b"" if exchange.method == "HEAD" else body)


async def _answer(exchange: Exchange, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    await exchange.send({"type": "http.response.start", "status": status, "headers": lines})
    await exchange.send({"type": "http.response.body", "body": body})


@cache
def script() -> tuple[bytes, str]:
    """The script and its ETag. Its style goes along as a text, for a style sheet that the script constructs."""
    folder = files("tradepost.api.widget")
    style = orjson.dumps(folder.joinpath("chat.css").read_text("utf-8"))
    parts = [folder.joinpath(name).read_bytes() for name in PARTS]
    body = b"\n".join((b'(() => {\n"use strict";', b"const STYLE = " + style + b";", *parts, b"})();\n"))
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'
