"""AES-256-GCM with the place of a value as associated data: a ciphertext copied anywhere else does not open."""

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tradepost.foundation.canonical import canonical
from tradepost.foundation.errors import Unavailable
from tradepost.hub.vault.keyring import KeyRing

_NONCE_BYTES = 12


def seal(ring: KeyRing, workspace_id: str, server_id: str, name: str, value: str) -> tuple[int, str]:
    """The key version and the base64 ciphertext of a header value."""
    version = ring.current
    nonce = secrets.token_bytes(_NONCE_BYTES)
    place = _place(workspace_id, server_id, name, version)
    sealed = AESGCM(ring.keys[version]).encrypt(nonce, value.encode(), place)
    return version, base64.b64encode(nonce + sealed).decode("ascii")


def unseal(ring: KeyRing, workspace_id: str, server_id: str, name: str, version: int, ciphertext: str) -> str:
    """The value. Raises Unavailable when the key is missing or the ciphertext is not the one of this place."""
    refused = Unavailable(
        f"The stored value '{name}' cannot be opened.",
        hint="Set it again (a server's headers, a person's second factor); if all are affected, the key file is wrong.",
    )
    key = ring.keys.get(version)
    if key is None:
        raise refused
    try:
        raw = base64.b64decode(ciphertext, validate=True)
        place = _place(workspace_id, server_id, name, version)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place).decode()
    except (InvalidTag, binascii.Error, ValueError):
        raise refused from None


def _place(workspace_id: str, server_id: str, name: str, version: int) -> bytes:
    # As JSON, so that no two different places give the same bytes.
    return canonical([workspace_id, server_id, name.lower(), version])
