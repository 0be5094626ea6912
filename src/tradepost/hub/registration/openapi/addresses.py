"""Where an API is: the first of the document's servers, with its variables filled in, seen from where the document
stands. What somebody gives goes before it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.openapi.operations import Operation
from tradepost.hub.registration.openapi.references import Document, Unusable

_VARIABLE = re.compile(r"\{([^{}]+)\}")
_HINT = "Give it with --base-url (base_url): the address that stands before the paths."


def base_url(
    document: Document,
    operations: Sequence[Operation],
    source: str | None,
    given: str | None,
    variables: Mapping[str, str],
) -> str:
    """The base URL without a slash at its end. Raises InvalidArgument where the document does not say enough."""
    url = given or _home(document, operations, source, variables)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _unclear(f"'{url[:100]}' is no address") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise _unclear("The document does not say where the API is")
    if parts.query or parts.fragment:
        raise _unclear("The base URL has a query or a fragment")
    if any(step in (".", "..") for step in parts.path.split("/")):
        raise _unclear("The base URL has a step '.' or '..'")
    return url.rstrip("/")


class Homes:
    """Tells which operations are behind the base URL. The credential is for one origin."""

    def __init__(self, document: Document, operations: Sequence[Operation], base: str, source: str | None) -> None:
        self._base = base
        self._source = source
        try:
            self._home = _home(document, operations, source, {}).rstrip("/")
        except InvalidArgument:
            self._home = base

    def prefix_of(self, operation: Operation) -> str | None:
        """What stands before an operation's path instead of the base URL's own, where it has a server of its own; None
        where it has not. Raises Unusable for another origin than that of the others."""
        servers = _own_servers(operation)
        if not servers:
            return None
        try:
            url = urljoin(self._source or f"{self._base}/", _first(servers, {})).rstrip("/")
            there = urlsplit(url)
            origins = {_origin(self._base), _origin(self._home)}
            if url in (self._base, self._home):
                return None
            if _origin(url) in origins and not there.query:
                return there.path
        except (InvalidArgument, ValueError):
            raise Unusable("It has a server of its own that cannot be read.") from None
        raise Unusable("It has a server of its own at another origin: register that as an API of its own.")


def _home(document: Document, operations: Sequence[Operation], source: str | None, variables: Mapping[str, str]) -> str:
    """Where most of the document's operations are: at its own server, unless each of them names another."""
    own = [_own_servers(operation) for operation in operations]
    if own and all(own):
        ((url, _),) = Counter(_first(servers, variables) for servers in own).most_common(1)
    else:
        url = _first(document.raw.get("servers"), variables)
    try:
        return urljoin(source or "", url)
    except ValueError:
        raise _unclear(f"'{url[:100]}' is no address") from None


def _own_servers(operation: Operation) -> Any:
    return operation.node.get("servers") or operation.shared.get("servers")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _first(servers: Any, given: Mapping[str, str]) -> str:
    """The URL of the first server."""
    server = servers[0] if isinstance(servers, list) and servers else {"url": "/"}
    url = server.get("url") if isinstance(server, dict) else None
    if not isinstance(url, str):
        raise _unclear("The document's server has no URL")
    declared = server.get("variables")
    known: Mapping[str, Any] = declared if isinstance(declared, dict) else {}

    def value(match: re.Match[str]) -> str:
        name = match[1]
        variable = known.get(name)
        described: Mapping[str, Any] = variable if isinstance(variable, dict) else {}
        chosen = given.get(name, described.get("default"))
        allowed = described.get("enum")
        if not isinstance(chosen, str):
            raise _unclear(f"The server's variable '{name[:60]}' has no value")
        if isinstance(allowed, list) and allowed and chosen not in allowed:
            listed = ", ".join(str(one)[:40] for one in allowed[:10])
            raise _unclear(f"The server's variable '{name[:60]}' is one of {listed}")
        return chosen

    return _VARIABLE.sub(value, url.strip())


def _unclear(what: str) -> InvalidArgument:
    return InvalidArgument(f"{what}.", field="base_url", hint=_HINT)
