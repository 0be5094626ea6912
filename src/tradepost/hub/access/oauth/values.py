"""Random values of the authorization server: what they look like and how long they hold."""

import base64
import hashlib
import hmac
import re
import secrets
from datetime import timedelta

ACCESS = "tpat_"
REFRESH = "tprt_"
CODE = "tpac_"
SECRET = "tpcs_"  # noqa: S105 (the prefix of one)

ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=30)  # from its last use: each use gives a new one
CODE_LIFE = timedelta(seconds=60)
CODE_KEPT = timedelta(days=1)
REQUEST_LIFE = timedelta(minutes=10)
RETRY_WINDOW = timedelta(seconds=10)

MAX_SECRET = 200

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def new_secret(prefix: str) -> str:
    """256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def is_challenge(text: str) -> bool:
    """Whether this is what S256 gives."""
    return _CHALLENGE.fullmatch(text) is not None


def fits(verifier: str, challenge: str) -> bool:
    """Whether a PKCE verifier is well-formed and belongs to the challenge."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
