"""Host and Origin checks: a web page must not reach the endpoint by DNS rebinding or from a foreign origin."""

import re
from collections.abc import Collection

from tradepost.protocol.exchange import Refused

_HOST = re.compile(r"(?P<name>[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(:(?P<port>[0-9]{1,5}))?")
LOCAL_HOSTS = ("127.0.0.1:*", "localhost:*", "[::1]:*")


class Doorkeeper:
    """Decides by the Host and Origin headers alone.

    `allowed_hosts` are names with or without a port: `hub.example` (no port sent), `hub.example:8443`, `hub.example:*`
    (any or none). `*` alone lets every well-formed Host pass, for an endpoint behind a proxy that checks it.
    `allowed_origins` are whole origins as browsers send them, compared exactly; the page of this very server (its
    scheme and the Host that was let in) always counts as one.
    """

    def __init__(self, allowed_hosts: Collection[str], allowed_origins: Collection[str]) -> None:
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._origins = frozenset(allowed_origins)
        self._known: set[str] = set()

    def check(self, scheme: str, host: str | None, origin: str | None) -> None:
        """Raises Refused: 421 for a foreign Host, 403 for a foreign Origin. Without Origin (no browser) it passes."""
        if host is None or (host not in self._known and not self._allows(host)):
            raise Refused(421, "This server does not answer for the host that the request names.")
        if origin is not None and origin not in self._origins and origin != f"{scheme}://{host}":
            raise Refused(403, "Requests from this origin are not allowed.")

    def shares_with(self, origin: str | None) -> bool:
        """Whether pages of another origin, which is let in, may read what is answered."""
        return origin in self._origins

    def _allows(self, host: str) -> bool:
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        if "*" in self._hosts:
            return True
        allowed = match[0] in self._hosts or f"{match['name']}:*" in self._hosts
        if allowed and len(self._known) < 1000:
            self._known.add(host)
        return allowed
