"""The one guard for every URL that anyone but the operator can influence.

It reads a URL strictly, resolves the name, checks every address, and dials the very address it checked, on each new
connection again: a name that changes its answer in between changes nothing. What is refused gets one sentence that does
not tell an open port from a closed one.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from urllib.parse import urlsplit

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.upstreams.addresses import Address, Network, is_allowed, parse_address
from tradepost.protocol.http_pool import HttpPool

MAX_URL = 2048
_SPOKEN = ["http/1.1"]
Resolve = Callable[[str, int], Awaitable[list[str]]]

_PLAIN = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
# Services that speak no HTTP: a request to them could only do harm.
_CLOSED_PORTS = frozenset(
    (1433, 1521, 2049, 2181, 2375, 2376, 3306, 3389, 4444, 5432, 5672, 5900, 5984, 6000, 6379, 9092, 9200, 11211, 27017)
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of a URL: a credential belongs to exactly one."""

    scheme: str
    host: str
    port: int


async def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, in the system's order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]).partition("%")[0] for entry in found]


def origin_of(url: str) -> str:
    """Scheme, host and port as the beginning of a URL that `read_url` takes."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Guard:
    """Says which URLs may be used and connects to them. `allow_private` are the operator's own networks."""

    def __init__(self, allow_private: Sequence[Network] = (), resolver: Resolve = resolve) -> None:
        self.allow_private = tuple(allow_private)
        self._resolve = resolver

    async def check(self, url: str) -> Origin:
        """The origin of a URL that may be used. Raises InvalidArgument (field "url") before anything is connected."""
        origin = read_url(url)
        try:
            await self.addresses(origin.host, origin.port)
        except PermissionError:
            raise InvalidArgument(
                "The URL leads to a private or special address, which is not allowed.",
                field="url",
                hint="Use a public address, or let the operator allow the network: TRADEPOST_ALLOW_PRIVATE=10.0.0.0/8.",
            ) from None
        except OSError:
            raise InvalidArgument(
                f"The name '{origin.host}' cannot be resolved.", field="url", hint="Check the spelling of the URL."
            ) from None
        return origin

    async def addresses(self, host: str, port: int) -> list[Address]:
        """The addresses of a host, all allowed. Raises PermissionError if any is not, OSError without an answer."""
        literal = parse_address(host.strip("[]"))
        texts = [host.strip("[]")] if literal is not None else await self._resolve(host, port)
        found = [parse_address(text) for text in texts]
        if not found:
            raise OSError("no address")
        allowed = [address for address in found if address is not None and is_allowed(address, self.allow_private)]
        if len(allowed) != len(found):
            raise PermissionError("a private or special address")
        return list(dict.fromkeys(allowed))

    def may_use_plain_http(self, origin: Origin, addresses: Sequence[Address]) -> bool:
        """Whether a secret may travel there: by TLS, or inside a network the operator allowed."""
        return origin.scheme == "https" or all(
            any(address.version == network.version and address in network for network in self.allow_private)
            for address in addresses
        )

    def http_pool(self, tls: ssl.SSLContext | None = None) -> HttpPool:
        """Connections that are shared: each is dialled to an address that was checked for it. `tls` says whose
        certificates count, where it is not the usual authorities."""
        if tls is not None:
            tls.set_alpn_protocols(_SPOKEN)
        return HttpPool(self._dialled, tls or _usual_authorities)

    async def _dialled(self, host: str, port: int) -> list[str]:
        return [str(address) for address in await self.addresses(host, port)]


@cache
def _usual_authorities() -> ssl.SSLContext:
    """Loaded with the first call that goes out over TLS, which takes a while: a start, and whoever only speaks with
    servers of the intranet, has better things to do."""
    context: ssl.SSLContext = import_module("httpx2").create_ssl_context(trust_env=False)
    context.set_alpn_protocols(_SPOKEN)
    return context


def read_url(url: str) -> Origin:
    """The origin of an http or https URL in its one ordinary spelling. Raises InvalidArgument."""
    if not url.strip():
        raise _refused("There is none")
    if len(url) > MAX_URL or not _PLAIN.fullmatch(url):
        raise _refused("It is too long or has characters that no plain URL has")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        raise _refused("Its host or port cannot be read") from None
    if parts.scheme not in ("http", "https"):
        raise _refused("Its scheme is neither https nor http")
    if "@" in parts.netloc:
        raise _refused("It has a user name or password inside")
    literal = parse_address(host)
    if literal is None and (not _NAME.fullmatch(host) or _looks_like_number(host)):
        raise _refused("Its host is neither a plain name nor an address in ordinary spelling")
    chosen = port if port is not None else (443 if parts.scheme == "https" else 80)
    if chosen in _CLOSED_PORTS or (chosen < 1024 and chosen not in (80, 443)):
        raise _refused(f"The port {chosen} is not one for web services")
    return Origin(parts.scheme, host, chosen)


def _looks_like_number(host: str) -> bool:
    """127.1, 2130706433, 0x7f.1: the system would read them as addresses."""
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")


def _refused(why: str) -> InvalidArgument:
    return InvalidArgument(
        f"The URL cannot be used. {why}.", field="url", hint="Write it like https://mcp.example.com/mcp."
    )
