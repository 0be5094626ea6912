"""What a browser wants to hear before a page of another origin may talk to us (CORS): said to the origins that the
operator let in, and to no others. Cookies are never part of it."""

import re
from collections.abc import Mapping

_WANTED = re.compile(r"[A-Za-z0-9_, -]{1,1000}")
_METHODS = "GET, POST, PATCH, PUT, DELETE"
_EXPOSED = "mcp-session-id, mcp-protocol-version, www-authenticate, retry-after, ratelimit, ratelimit-policy"
KEPT_SECONDS = 600

Lines = list[tuple[bytes, bytes]]


def shared_with(origin: str) -> Lines:
    """Headers of an answer that pages of `origin` may read."""
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", _EXPOSED.encode()),
        (b"vary", b"origin"),
    ]


def preflight(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of the answer to a browser that asks first: any header may be sent, because each is checked where it
    means something."""
    wanted = headers.get("access-control-request-headers", "")
    return {
        "access-control-allow-methods": _METHODS,
        "access-control-allow-headers": wanted if _WANTED.fullmatch(wanted) else "authorization, content-type",
        "access-control-max-age": str(KEPT_SECONDS),
    }
