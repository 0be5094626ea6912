"""Who really sends a request that came through proxies. A client's own word for its address counts nothing: only what
a trusted proxy wrote down is believed, and of that only what was written by trusted ones."""

from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

Network = IPv4Network | IPv6Network

_KEPT = 4096
_PROTO = frozenset({"http", "https"})


class TrustedProxies:
    """Reads `X-Forwarded-For` and `X-Forwarded-Proto` of requests whose peer is in one of the networks.

    `X-Forwarded-For` is read from its end: each address that is a trusted proxy's own is passed over, and the first one
    that is not is the client. Whatever stands before it was sent by the client itself. `X-Forwarded-Host` is not read:
    a proxy hands on the `Host` it was asked for.
    """

    def __init__(self, networks: Iterable[Network]) -> None:
        self._networks = tuple(networks)
        self._read = lru_cache(maxsize=_KEPT)(self._read_anew)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def look(self, scope: MutableMapping[str, Any]) -> None:
        """Put the real client, and the scheme it used, into the scope of a request."""
        peer = scope.get("client")
        if peer is None or not self._read(peer[0])[1]:
            return
        forwarded = _joined(scope["headers"], b"x-forwarded-for")
        client = self._client(forwarded) if forwarded else None
        if client is not None:
            scope["client"] = (client, 0)
        scheme = _joined(scope["headers"], b"x-forwarded-proto").rpartition(",")[2].strip().lower()
        if scheme in _PROTO:
            scope["scheme"] = scheme

    def _client(self, forwarded: str) -> str | None:
        """The address that the outermost trusted proxy saw. None where a proxy wrote something that is no address."""
        last = None
        for entry in reversed(forwarded.split(",")):
            address, is_trusted = self._read(entry.strip())
            if address is None:
                return last
            last = address
            if not is_trusted:
                return address
        return last

    def _read_anew(self, text: str) -> tuple[str | None, bool]:
        """An address as it is compared, None for what is none; and whether it is a trusted proxy's."""
        address = _address(text)
        if address is None:
            return None, False
        return str(address), any(address in network for network in self._networks)


def _joined(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in headers if key.lower() == name)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Without port, brackets and zone, IPv4 in IPv6 as IPv4. None for what is no address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
