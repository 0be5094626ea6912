"""Parameters of OAuth requests: bounded, each at most once, secrets never in a URL."""

import asyncio
import base64
import binascii
from urllib.parse import parse_qsl, unquote_plus

from starlette.datastructures import Headers
from starlette.requests import Request

from tradepost.hub.access.oauth.client_auth import Credentials
from tradepost.hub.access.oauth.errors import INVALID_REQUEST, OAuthError, invalid_client

MAX_BODY = 64 * 1024
MAX_QUERY = 16 * 1024
MAX_FIELDS = 60
BODY_SECONDS = 30.0
FORM = "application/x-www-form-urlencoded"


class Parameters:
    """The parameters of one request, by name; an empty one counts as not given (RFC 6749 section 3.1)."""

    def __init__(self, encoded: str) -> None:
        try:
            pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
        except ValueError:
            raise OAuthError(INVALID_REQUEST, "The parameters cannot be read.") from None
        if any("\x00" in value for _, value in pairs):  # which no database keeps
            raise OAuthError(INVALID_REQUEST, "The parameters cannot be read.")
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def get(self, name: str) -> str:
        """The value, "" when it was not given. Raises OAuthError for one that came twice."""
        values = self._values.get(name, [])
        if len(values) > 1:
            raise OAuthError(INVALID_REQUEST, f"{name} came more than once.")
        return values[0] if values else ""

    def all(self, name: str) -> list[str]:
        """All that was given under a name that may come more than once."""
        return [value for value in self._values.get(name, []) if value]

    def doubled(self) -> list[str]:
        """The names that came more than once."""
        return [name for name, values in self._values.items() if len(values) > 1]


def query_of(request: Request) -> Parameters:
    """The parameters in the URL. Raises OAuthError."""
    return Parameters(request.scope["query_string"].decode("latin-1"))


async def body_of(request: Request, limit: int = MAX_BODY) -> bytes:
    """The body. Raises OAuthError (413, 408)."""
    whole = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                whole += piece
                if len(whole) > limit:
                    raise OAuthError(INVALID_REQUEST, "The body is too large.", status=413)
    except TimeoutError:
        raise OAuthError(INVALID_REQUEST, "The body came too slowly.", status=408) from None
    return bytes(whole)


async def form_of(request: Request) -> Parameters:
    """The parameters in the body; none may be in the URL, where logs would keep them. Raises OAuthError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise OAuthError(INVALID_REQUEST, f"Send the body as Content-Type: {FORM}.", status=415)
    if request.scope["query_string"]:
        raise OAuthError(INVALID_REQUEST, "Parameters go into the body, not into the URL.")
    try:
        form = Parameters((await body_of(request)).decode("ascii"))
    except UnicodeDecodeError:
        raise OAuthError(INVALID_REQUEST, "The parameters cannot be read.") from None
    if set(form.doubled()) - {"resource"}:
        raise OAuthError(INVALID_REQUEST, "A parameter came more than once.")
    return form


def credentials_of(form: Parameters, headers: Headers) -> Credentials:
    """What proves the client. Raises OAuthError."""
    named = headers.getlist("authorization")
    if len(named) > 1:
        raise OAuthError(INVALID_REQUEST, "Authorization came more than once.")
    return Credentials(
        client_id=form.get("client_id"),
        secret=form.get("client_secret"),
        assertion_type=form.get("client_assertion_type"),
        assertion=form.get("client_assertion"),
        from_header=_basic(named[0]) if named else None,
    )


def _basic(header: str) -> tuple[str, str]:
    """Name and secret of HTTP Basic, each form-encoded before (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    try:
        plain = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise invalid_client() from None
    name, colon, secret = plain.partition(":")
    if scheme.lower() != "basic" or not colon or not name or not secret:
        raise invalid_client()
    return unquote_plus(name), unquote_plus(secret)
