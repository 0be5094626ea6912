"""What the hub signs of a chain: that a certain hash stood at a certain position at a certain time.

Hashes alone prove nothing against whoever can write to the database: they can be computed anew. Signatures (Ed25519)
cannot, because the private key is sealed by the vault's keys, which are kept elsewhere; and everybody who has the
public key can check them, without the database and without any secret.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tradepost.foundation.canonical import canonical
from tradepost.foundation.clock import from_rfc3339, to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.audit.models import AuditCheckpoint

HEAD, CHECKPOINT = "tradepost-audit-head/1", "tradepost-audit-checkpoint/1"


@dataclass(frozen=True, slots=True)
class Statement:
    """That `chain_hash` stood at `position` of a workspace's chain. `previous` is the position of the statement before
    it (0: the first), so that none can be left out. `key` is the public key, `signature` over all of the rest, both in
    base64."""

    workspace_id: str
    position: int
    chain_hash: str
    previous: int
    signed_at: datetime
    key: str
    signature: str = ""

    def signed(self, by: Ed25519PrivateKey) -> "Statement":
        """The same, with its signature."""
        return replace(self, signature=sign(by, self._said()))

    @property
    def is_genuine(self) -> bool:
        """Whether its key signed exactly this. Whose key that is, is another question."""
        return is_signed(self.key, self.signature, self._said())

    def as_plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"signed_at": to_rfc3339(self.signed_at)}

    @classmethod
    def from_plain(cls, given: Mapping[str, Any]) -> "Statement":
        """What `as_plain` gave. Raises InvalidArgument for anything else."""
        try:
            return cls(
                workspace_id=str(given["workspace_id"]),
                position=int(given["position"]),
                chain_hash=str(given["chain_hash"]),
                previous=int(given["previous"]),
                signed_at=from_rfc3339(given["signed_at"]),
                key=str(given["key"]),
                signature=str(given["signature"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidArgument("This is no signed statement about an audit.") from error

    def _said(self) -> bytes:
        said = self.as_plain()
        del said["signature"]
        return canonical({"type": HEAD} | said)


def said_of_checkpoint(checkpoint: AuditCheckpoint) -> bytes:
    """What is signed of a checkpoint: every column but the signature."""
    return canonical(
        {
            "type": CHECKPOINT,
            "workspace_id": checkpoint.workspace_id,
            "id": checkpoint.id,
            "position": checkpoint.position,
            "chain_hash": checkpoint.chain_hash,
            "rows": checkpoint.rows,
            "first_at": to_rfc3339(checkpoint.first_at),
            "last_at": to_rfc3339(checkpoint.last_at),
            "made_at": to_rfc3339(checkpoint.made_at),
            "made_by": checkpoint.made_by,
            "key": checkpoint.key,
        }
    )


def public_key(of: Ed25519PrivateKey) -> str:
    """The public key in base64, as statements carry it."""
    return base64.b64encode(of.public_key().public_bytes_raw()).decode()


def sign(key: Ed25519PrivateKey, said: bytes) -> str:
    """The signature in base64."""
    return base64.b64encode(key.sign(said)).decode()


def is_signed(key: str | None, signature: str | None, said: bytes) -> bool:
    """Whether a signature is that of the key over what was said."""
    try:
        raw = base64.b64decode(key or "", validate=True), base64.b64decode(signature or "", validate=True)
        Ed25519PublicKey.from_public_bytes(raw[0]).verify(raw[1], said)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
