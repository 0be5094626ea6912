"""What goes out to a server: where a URL leads, and the head of a request, which no value can break out of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tradepost.protocol.upstream_errors import UpstreamFailed

_TARGET = re.compile(r"[\x21-\x7e]+")
_NAMES = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class HttpUrl:
    """Scheme, host and port to connect to, and the target to ask for there."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What a connection belongs to."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """The `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def read_http_url(url: str) -> HttpUrl:
    """Where a URL leads. Raises UpstreamFailed (not dispatched)."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise unreachable() from None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme not in _PORTS or not host or not _TARGET.fullmatch(host + target):
        raise unreachable()
    return HttpUrl(parts.scheme, host, port if port is not None else _PORTS[parts.scheme], target)


def origin_in(url: str) -> str:
    """What of a URL may stand in a log: not its path, which may be a secret."""
    scheme, colon, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0]}" if colon else url


def header_lines(headers: Mapping[str, str]) -> bytes:
    """The lines of some headers. Raises UpstreamFailed (not dispatched) for what no header may hold."""
    if headers and not (_NAMES.fullmatch("".join(headers)) and "".join(headers.values()).isprintable()):
        raise unreachable()
    try:
        return "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode("latin-1")
    except UnicodeEncodeError:
        raise unreachable() from None


def unreachable() -> UpstreamFailed:
    """One sentence for everything that kept us from sending: why is nobody's business."""
    return UpstreamFailed("The server could not be reached.", dispatched=False, hint="Check its URL, and that it runs.")
