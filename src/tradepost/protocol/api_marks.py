"""How a REST API is told from an MCP server where those stand: by its URL, and in the definitions of its tools."""

SCHEME = "openapi:"  # before the base URL of an API, where a server's URL stands
REQUEST = "io.tradepost/request"  # the member of a definition's `_meta` that says which request the tool stands for


def is_api(url: str | None) -> bool:
    """Whether a server's URL is the base of a REST API."""
    return url is not None and url.startswith(SCHEME)


def web_url(url: str) -> str:
    """The plain URL behind a server's, whatever kind of server it is."""
    return url.removeprefix(SCHEME)
