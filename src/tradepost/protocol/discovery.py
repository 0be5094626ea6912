"""`GET /.well-known/protocols`: one request tells a machine where everything is that this hub speaks."""

from collections.abc import Mapping
from typing import Any

import orjson

from tradepost.protocol.exchange import Receive, Scope, Send
from tradepost.protocol.legacy import VERSIONS as HANDSHAKE_VERSIONS
from tradepost.protocol.modern import VERSION

PATH = "/.well-known/protocols"


def mcp_at(url: str) -> dict[str, Any]:
    """What the document says of the MCP endpoint of a hub at `url`."""
    return {
        "endpoint": f"{url}/mcp",
        "server_endpoint": f"{url}/mcp/servers/{{slug}}",
        "transport": "streamable-http",
        "versions": [VERSION, *HANDSHAKE_VERSIONS],
    }


class ProtocolsDocument:
    """Serves the document. `protocols` maps each protocol's name to where it is; one that the hub does not speak is not
    named at all."""

    def __init__(self, protocols: Mapping[str, Any]) -> None:
        self._body = orjson.dumps(protocols)

    def owns(self, path: str) -> bool:
        """See Door."""
        return path == PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reads = scope["method"] in ("GET", "HEAD")
        headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"public, max-age=300"),
            (b"access-control-allow-origin", b"*"),  # nothing in it is secret, and pages look for it, too
            (b"content-length", str(len(self._body) if reads else 0).encode()),
        ]
        status = 200 if reads else 405
        await send({"type": "http.response.start", "status": status, "headers": headers if reads else _ALLOW})
        await send({"type": "http.response.body", "body": self._body if scope["method"] == "GET" else b""})


_ALLOW = [(b"allow", b"GET, HEAD"), (b"content-length", b"0")]
