"""AES-256-GCM with the place of a value as associated data: a ciphertext copied anywhere else does not open."""

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tradepost.foundation.canonical import canonical
from tradepost.foundation.errors import Unavailable

_NONCE_BYTES = 12
_SECRET_BYTES = 32

Place = tuple[str, str, str]  # workspace, owner (a server, for example), name


def seal(key: bytes, version: int, place: Place, value: str) -> str:
    """The base64 ciphertext of a value with the key of this version."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, value.encode(), _bound(place, version))
    return base64.b64encode(nonce + sealed).decode("ascii")


def unseal(key: bytes | None, version: int, place: Place, ciphertext: str) -> str:
    """The value. Raises Unavailable when the key is missing or the ciphertext is not the one of this place."""
    refused = Unavailable(
        f"The stored value '{place[2]}' cannot be opened.",
        hint="Set it again (a server's headers, a person's second factor); if all are affected, the vault's keys are "
        "not the right ones.",
    )
    if key is None:
        raise refused
    try:
        raw = base64.b64decode(ciphertext, validate=True)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(place, version)).decode()
    except (InvalidTag, binascii.Error, ValueError):
        raise refused from None


def derived(key: bytes, purpose: str) -> bytes:
    """32 bytes that only those have who have the key, of their own for each purpose."""
    return HKDF(hashes.SHA256(), length=_SECRET_BYTES, salt=None, info=purpose.encode()).derive(key)


def fingerprint(key: bytes) -> str:
    """What tells one key from another and says nothing of it."""
    return derived(key, "fingerprint").hex()


def _bound(place: Place, version: int) -> bytes:
    # As JSON, so that no two different places give the same bytes.
    workspace_id, owner_id, name = place
    return canonical([workspace_id, owner_id, name.lower(), version])
