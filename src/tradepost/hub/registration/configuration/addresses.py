"""Where servers are: URLs of three kinds, of which some are secrets, and whether two are of one origin."""

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.configuration.document import ServerPart
from tradepost.hub.registration.configuration.reading import Path, Read
from tradepost.hub.registration.configuration.values import Values
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.guard import Origin, origin_of, read_url
from tradepost.hub.upstreams.programs import SCHEME
from tradepost.hub.vault.managers.references import holds_reference
from tradepost.protocol.api_marks import is_api, web_url

VALUE = "another value"  # stands for a secret in a plan


def is_web(url: str | None) -> bool:
    """Whether a server's URL leads to a place on the web, so that it has an origin."""
    return url is not None and not url.startswith(SCHEME)


def origin(url: str | None) -> Origin | None:
    """The origin of a server's URL, whatever kind of server it is. None for a program, and where it cannot be read."""
    if url is None or not is_web(url):
        return None
    try:
        return read_url(web_url(url))
    except InvalidArgument:
        return None


def same_origin(one: str | None, other: str | None) -> bool:
    """Whether two URLs are of one scheme, host and port, or the same program."""
    found = origin(one)
    return one == other if found is None else found == origin(other)


def moves(part: ServerPart, now: ServerPart) -> bool:
    """Whether the file takes a server to another origin, where nothing may go that was for the one before."""
    return part.says("url") and not same_origin(part.url, now.url)


def moves_row(part: ServerPart, row: Server) -> bool:
    """The same, of a server's row. A new one has been nowhere."""
    return part.says("url") and row.url is not None and not same_origin(part.url, row.url)


def is_secret(part: ServerPart, now: ServerPart | None) -> bool:
    """Whether the URL is to be a secret: what was one stays one, where the file says nothing about it."""
    return part.secret_url if part.says("secret_url") or now is None else now.secret_url


def compare_url(
    read: Read, part: ServerPart, now: ServerPart | None, path: Path, values: Values
) -> dict[str, tuple[object, object]]:
    """The members `url` and `secret_url` where they change. Raises InvalidArgument for a file that holds more of a
    secret URL than its origin, a value of another origin, and a server that would become one of another kind."""
    secret, found = is_secret(part, now), dict[str, tuple[object, object]]()
    url = part.url if part.says("url") or now is None else now.url
    if part.api is not None and not is_api(url):
        raise read.wrong((*path, "api"), "An MCP server has no document.", "Leave it out.")
    if secret and (is_api(url) or not is_web(url)):
        raise read.wrong((*path, "secret_url"), "The URL of a REST API is no secret, and a program has none.")
    if now is not None and part.says("url") and is_api(part.url) != is_api(now.url):
        raise read.wrong(
            (*path, "url"),
            "An MCP server does not become a REST API, nor the other way round.",
            "Give the other one a short name of its own.",
        )
    if secret and part.says("url"):
        _check_origin(read, part.url or "", path)
    if now is not None and now.secret_url and not secret and not part.says("url"):
        raise read.wrong((*path, "secret_url"), "The URL was a secret, which is not told: say which one it is to be.")
    if part.says("url") and (now is None or now.url != part.url):
        before, after = (now.url if now is not None else None), part.url
        if now is not None and secret and not now.secret_url and same_origin(after, before):
            after = before  # hidden as it is
        if after != before:
            found["url"] = (before, after)
    given = values.given.urls.get(part.slug) if secret else None
    if given is not None:
        if not holds_reference(given) and not same_origin(given, url):  # of that it is seen when it is read
            raise read.wrong((*path, "url"), "The value that was given for the secret URL is of another origin.")
        if now is not None and now.secret_url and given != values.urls.get(part.slug):
            found["secret_url"] = (True, VALUE)
    if secret != (now.secret_url if now is not None else False):
        found["secret_url"] = (not secret, secret)
    return found


def _check_origin(read: Read, url: str, path: Path) -> None:
    try:
        is_origin = read_url(url) is not None and origin_of(url) == url
    except InvalidArgument as error:
        raise read.wrong((*path, "url"), error.message, error.hint) from None
    if not is_origin:
        raise read.wrong(
            (*path, "url"),
            "The URL is a secret, so that the file has its origin alone: scheme, host and port.",
            "Give the whole as a variable (see to_be_set), and take what follows the host out of the file.",
        )
