"""Clients that registered themselves (RFC 7591), which MCP has deprecated and which is off unless an operator wants it.

Nothing is stored, so nobody can fill a table: the client id carries what was registered, sealed by this hub. Where the
setting is switched off again, none of these ids is known any more.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

import orjson

from tradepost.hub.access.oauth.errors import INVALID_CLIENT_METADATA, OAuthError

PREFIX = "tpdc_"
MAX_SEALED = 1_200
_MARK = 32


def seal(name: str, redirect_uris: tuple[str, ...], secret: bytes) -> str:
    """The client id of a registration. Raises OAuthError where there is too much to carry."""
    body = orjson.dumps([name, redirect_uris])
    if len(body) > MAX_SEALED:
        raise OAuthError(INVALID_CLIENT_METADATA, "That is too long a name or too many redirect URIs.")
    return PREFIX + base64.urlsafe_b64encode(_mark(body, secret) + body).rstrip(b"=").decode()


def unseal(client_id: str, secrets: Sequence[bytes]) -> tuple[str, tuple[str, ...]]:
    """Name and redirect URIs behind a client id, sealed with any of the secrets. Raises ValueError for one
    that this hub did not make."""
    text = client_id.removeprefix(PREFIX)
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not sealed here") from None
    mark, body = raw[:_MARK], raw[_MARK:]
    # One client has one name: the decoder would pass over other letters, and bits that count nothing.
    is_spelt_so = base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == text
    if not any(hmac.compare_digest(mark, _mark(body, secret)) for secret in secrets) or not is_spelt_so:
        raise ValueError("not sealed here")
    name, redirect_uris = orjson.loads(body)
    return name, tuple(redirect_uris)


def _mark(body: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, body, hashlib.sha256).digest()
