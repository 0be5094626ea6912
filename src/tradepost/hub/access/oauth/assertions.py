"""Signed assertions with which a client proves who it is (RFC 7523, `private_key_jwt`): for this hub, soon over, and
each good once. joserfc checks signatures; only asymmetric algorithms are taken, so a public key cannot serve as a
shared secret."""

import binascii
import hashlib
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any
from warnings import catch_warnings, simplefilter

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from tradepost.database.engine import Database
from tradepost.foundation.canonical import canonical, parse_strict
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.oauth.clients import Client
from tradepost.hub.access.oauth.errors import invalid_client
from tradepost.hub.access.oauth.models import OAuthAssertion

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# "EdDSA" is how RFC 8037 calls what RFC 9864 calls "Ed25519": clients use both names.
ALGORITHMS = ("ES256", "RS256", "PS256", "Ed25519", "EdDSA")
MAX_LENGTH = 8_192
MAX_LIFE = timedelta(minutes=10)
LEEWAY = timedelta(seconds=60)
MAX_KEYS = 10
MAX_KEYS_BYTES = 16 * 1024
OF_NO_WORKSPACE = "-"  # the scope of what clients showed that belong to no workspace

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def checked_keys(jwks: dict[str, Any]) -> dict[str, Any]:
    """A set of public keys as it may be kept. Raises InvalidArgument."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= MAX_KEYS or not all(isinstance(key, dict) for key in keys):
        raise InvalidArgument(f"A key set has 1 to {MAX_KEYS} keys under the name keys.", field="jwks")
    if any(_PRIVATE & key.keys() or key.get("kty") == "oct" for key in keys):
        raise InvalidArgument(
            "The key set has a private or shared key.", field="jwks", hint="Keep that to the client; give public keys."
        )
    text = canonical(keys)
    if len(text) > MAX_KEYS_BYTES or b"\\u0000" in text:  # which no database keeps
        raise InvalidArgument(f"A key set has at most {MAX_KEYS_BYTES} bytes, and no NUL.", field="jwks")
    try:
        KeySet.import_key_set({"keys": keys})
    except (JoseError, ValueError, KeyError, TypeError):
        raise InvalidArgument("The key set cannot be read.", field="jwks", hint="Give a JWK Set.") from None
    return {"keys": keys}


async def check_assertion(
    database: Database, client: Client, assertion: str, audiences: frozenset[str], now: datetime
) -> None:
    """Raises OAuthError, the same for every reason. `audiences` are the names of this hub."""
    claims = _claims(client, assertion)
    expires_at, jti = _moment(claims.get("exp")), claims.get("jti")
    starts_at = _moment(claims["nbf"]) if "nbf" in claims else now
    named = claims.get("aud")
    audience = named[0] if isinstance(named, list) and len(named) == 1 else named
    if (
        claims.get("iss") != client.client_id
        or claims.get("sub") != client.client_id
        or not isinstance(audience, str)
        or audience not in audiences
        or expires_at is None
        or not now - LEEWAY < expires_at <= now + MAX_LIFE + LEEWAY
        or starts_at is None
        or starts_at > now + LEEWAY
        or not isinstance(jti, str)
        or not 1 <= len(jti) <= 255
    ):
        raise invalid_client()
    await _once(database, client, jti, expires_at, now)


def subject_of(assertion: str) -> str:
    """Whom an assertion is about by its own words, which prove nothing; "" for what is none."""
    payload = assertion.split(".")[1:2] if len(assertion) <= MAX_LENGTH else []
    try:
        claims = parse_strict(urlsafe_b64decode(payload[0] + "=" * (-len(payload[0]) % 4))) if payload else None
    except (binascii.Error, ValueError, InvalidArgument):
        return ""
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else ""


def _claims(client: Client, assertion: str) -> dict[str, Any]:
    if client.jwks is None or len(assertion) > MAX_LENGTH:
        raise invalid_client()
    try:
        keys = KeySet.import_key_set({"keys": client.jwks["keys"]})
        with catch_warnings():
            simplefilter("ignore", SecurityWarning)  # of the old name of Ed25519
            return jwt.decode(assertion, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, KeyError, TypeError):
        raise invalid_client() from None


def _moment(seconds: Any) -> datetime | None:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < 1e11:
        return None
    return datetime.fromtimestamp(seconds, UTC)


async def _once(database: Database, client: Client, jti: str, expires_at: datetime, now: datetime) -> None:
    mark = "oaj_" + hashlib.sha256(f"{client.client_id}\n{jti}".encode()).hexdigest()
    try:
        async with database.transaction(client.workspace_id or OF_NO_WORKSPACE, write=True) as session:
            await session.execute(delete(OAuthAssertion).where(OAuthAssertion.expires_at < now - LEEWAY))
            session.add(OAuthAssertion(id=mark, expires_at=expires_at))
    except IntegrityError:
        raise invalid_client() from None
