"""The form of every bearer secret: a mark, 8 public characters, 256 random bits and a checksum.

The prefix finds the row and may be shown in lists and logs; the checksum lets a typing error or a cut secret be seen
without asking the database, and lets secret scanners recognise a leaked one.
"""

import hashlib
import re
import secrets
import zlib
from typing import Literal

Mark = Literal["tp", "tpss"]  # of a key, of a shopper session

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_FORM = re.compile(r"(?P<mark>tp|tpss)_(?P<prefix>[a-z2-7]{8})_[A-Za-z0-9_-]{43}(?P<checksum>[a-z2-7]{7})")


def new_token(mark: Mark) -> str:
    """A new secret; its only copy."""
    prefix = "".join(secrets.choice(_BASE32) for _ in range(8))
    body = f"{mark}_{prefix}_{secrets.token_urlsafe(32)}"
    return body + _checksum(body)


def prefix_of(mark: Mark, text: str) -> str | None:
    """The prefix of a well-formed secret of this mark with a right checksum, None for anything else."""
    found = _FORM.fullmatch(text)
    if found is None or found["mark"] != mark or found["checksum"] != _checksum(text[: -len(found["checksum"])]):
        return None
    return found["prefix"]


def digest_of(text: str) -> str:
    """What is kept of a secret. It has 256 random bits, so a plain hash cannot be searched."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _checksum(text: str) -> str:
    value, digits = zlib.crc32(text.encode()), []
    for _ in range(7):
        value, digit = divmod(value, 32)
        digits.append(_BASE32[digit])
    return "".join(digits)
