"""What a client says about itself, in a document or when it registers itself: read strictly, believed in nothing."""

from collections.abc import Mapping
from typing import Any

from tradepost.foundation.untrusted import clean
from tradepost.hub.access.oauth.errors import INVALID_CLIENT_METADATA, INVALID_REDIRECT_URI, OAuthError
from tradepost.hub.access.oauth.redirects import MAX_URIS, fault_of

MAX_NAME = 80
NAMELESS = "a program without a name"  # a registration need not give one (RFC 7591 section 2)


KEY = "private_key_jwt"


def read_metadata(said: Any, *, itself: bool) -> tuple[str, tuple[str, ...]]:
    """Name and redirect URIs of a client. One that registers `itself` and wants a secret is made a public one, as a
    registration may (RFC 7591 section 3.2.1), and needs no name; one with a document may have keys. Raises
    OAuthError."""
    if not isinstance(said, Mapping):
        raise _wrong("The metadata of a client is a JSON object.")
    name, uris = said.get("client_name"), said.get("redirect_uris")
    name = " ".join(clean(name, MAX_NAME).split()) if isinstance(name, str) else ""
    if not name and (said.get("client_name") is not None or not itself):
        raise _wrong("client_name is missing.")
    if not isinstance(uris, list) or not 1 <= len(uris) <= MAX_URIS or not all(isinstance(uri, str) for uri in uris):
        raise OAuthError(INVALID_REDIRECT_URI, f"redirect_uris is a list of 1 to {MAX_URIS} URIs.")
    for uri in uris:
        fault = fault_of(uri)
        if fault is not None:
            raise OAuthError(INVALID_REDIRECT_URI, f"A redirect URI cannot be used: {fault}.")
    how = said.get("token_endpoint_auth_method", "none")
    if how != "none" and how not in (("client_secret_basic", "client_secret_post") if itself else (KEY,)):
        ways = "none: an admin registers clients with a secret or a key" if itself else f"none or {KEY}"
        raise _wrong(f"token_endpoint_auth_method has to be {ways}.")
    grants = said.get("grant_types", ["authorization_code"])
    if not isinstance(grants, list) or "authorization_code" not in grants:
        raise _wrong("grant_types has to have authorization_code.")
    types = said.get("response_types", ["code"])
    if not isinstance(types, list) or "code" not in types:
        raise _wrong("response_types has to have code.")
    return name or NAMELESS, tuple(uris)


def _wrong(message: str) -> OAuthError:
    return OAuthError(INVALID_CLIENT_METADATA, message)
