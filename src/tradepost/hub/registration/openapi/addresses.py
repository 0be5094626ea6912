"""Where an API is: the first of the document's servers, with its variables filled in, seen from where the document
stands. What somebody gives goes before it."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.openapi.operations import Operation
from tradepost.hub.registration.openapi.references import Document, Unusable

_VARIABLE = re.compile(r"\{([^{}]+)\}")
_HINT = "Give it with --base-url (base_url): the address that stands before the paths."


def base_url(document: Document, source: str | None, given: str | None, variables: Mapping[str, str]) -> str:
    """The base URL without a slash at its end. Raises InvalidArgument where the document does not say enough."""
    url = given or urljoin(source or "", _first(document.raw.get("servers"), variables))
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


def prefix_of(document: Document, operation: Operation, base: str, source: str | None) -> str | None:
    """What stands before an operation's path instead of the base URL's own, where it has servers of its own; None
    where it has not. Raises Unusable for another origin: the credential is for one."""
    servers = operation.node.get("servers") or operation.shared.get("servers")
    if not servers:
        return None
    try:
        url = urljoin(source or f"{base}/", _first(servers, {}))
        there, here = urlsplit(url), urlsplit(base)
        is_same = (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
    except (InvalidArgument, ValueError):
        raise Unusable("It has a server of its own that cannot be read.") from None
    if not is_same or there.query:
        raise Unusable("It has a server of its own at another origin: register that as an API of its own.")
    return there.path.rstrip("/")


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
