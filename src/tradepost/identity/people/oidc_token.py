"""What the identity provider's signed token must say to be believed (OpenID Connect Core, 3.1.3.7)."""

import hmac
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tradepost.foundation.clock import Now
from tradepost.identity.people.oidc_fetch import failed

# Signatures with the provider's own key only: none at all, or one made with the shared secret, is not among them.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
LEEWAY_SECONDS = 60
MAX_TOKEN = 65_536
_KINDS = ("RSA", "EC", "OKP")


def keys_of(document: dict[str, Any]) -> KeySet:
    """The keys that sign, among those of a provider. Raises UpstreamError."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise failed("it has no keys")
    signing = [key for key in listed if isinstance(key, dict) and key.get("kty") in _KINDS and key.get("use") != "enc"]
    try:
        return KeySet.import_key_set({"keys": signing})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise failed("its keys cannot be read") from error


def claims_of(token: object, keys: KeySet, *, issuer: str, client_id: str, nonce: str, now: Now) -> dict[str, Any]:
    """The claims of a token that was made for us, for this very sign-in. Raises UpstreamError."""
    if not isinstance(token, str) or len(token) > MAX_TOKEN:
        raise failed("it gave no token")
    registry = jwt.JWTClaimsRegistry(
        now=lambda: int(now().timestamp()),
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True},
    )
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        registry.validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        raise failed("its token does not hold") from error
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != client_id:
        raise failed("its token is for somebody else")
    if claims.get("azp", client_id) != client_id:
        raise failed("its token is for somebody else")
    if not isinstance(claims["nonce"], str) or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
        raise failed("its token belongs to another sign-in")
    return claims
