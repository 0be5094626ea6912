"""What a token is good for: one endpoint of this hub, named by its canonical URI (RFC 8707, RFC 9728).

A token for `/mcp` is not good at `/mcp/servers/orders`, nor the other way round, nor for the REST API. `/api/mcp` is
another name of `/mcp`.
"""

import re
from urllib.parse import urlsplit

from tradepost.hub.access.oauth.errors import INVALID_TARGET, OAuthError

MCP = "/mcp"
ALIAS = "/api/mcp"
REST = "/api/v1"
METADATA = "/.well-known/oauth-protected-resource"
MAX_LENGTH = 300

_SERVER = re.compile(r"/mcp/servers/[a-z0-9][a-z0-9_-]{0,62}")


def endpoint_of(path: str) -> str | None:
    """The endpoint under whose name a path is asked for, without a slash at its end; None where no token is taken."""
    plain = path.removesuffix("/")
    if plain in (MCP, ALIAS) or _SERVER.fullmatch(plain):
        return plain
    return REST if plain == REST or path.startswith(REST + "/") else None


def resource_of(path: str) -> str | None:
    """What a token must be for to be taken at a path."""
    endpoint = endpoint_of(path)
    return MCP if endpoint == ALIAS else endpoint


class Resources:
    """The endpoints of the hub at `url`, its public address without a slash at its end."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.prefix = parts.path

    def uri(self, resource: str) -> str:
        """The canonical URI of an endpoint."""
        return self.url + resource

    def metadata_url(self, path: str) -> str:
        """Where the metadata of the endpoint at a path is."""
        return f"{self.origin}{METADATA}{self.prefix}{endpoint_of(path) or MCP}"

    def read(self, uris: list[str]) -> str:
        """The endpoint that a request names with `resource`; without one it is MCP. Scheme and host may be in upper
        case. Raises OAuthError."""
        if not uris:
            return MCP
        if len(uris) > 1:
            raise OAuthError(INVALID_TARGET, "A token is for one resource only.")
        path = self._path_of(uris[0])
        resource = resource_of(path) if path is not None else None
        if path is None or resource is None or endpoint_of(path) != path.removesuffix("/"):
            raise OAuthError(INVALID_TARGET, "The resource is not an endpoint of this hub.")
        return resource

    def _path_of(self, uri: str) -> str | None:
        try:
            parts = urlsplit(uri)
        except ValueError:
            return None
        if len(uri) > MAX_LENGTH or not uri.isascii() or not uri.isprintable() or "?" in uri or "#" in uri:
            return None
        if f"{parts.scheme.lower()}://{parts.netloc.lower()}" != self.origin.lower():
            return None
        return parts.path.removeprefix(self.prefix) if parts.path.startswith(self.prefix) else None
