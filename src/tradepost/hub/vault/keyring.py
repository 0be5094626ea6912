"""The keys that seal header values: a small file with one key per version, the highest one seals, all can open.

The file is made on the first start, readable by its owner only. It belongs into a backup of its own: without it the
sealed values are lost, with it and the database together they are readable.
"""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tradepost.foundation.errors import SetupError

KEY_BYTES = 32
_LINE = re.compile(r"(?P<version>[1-9][0-9]{0,8}) (?P<key>[A-Za-z0-9+/=]{44})")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by version."""

    keys: Mapping[int, bytes] = field(repr=False)

    @property
    def current(self) -> int:
        """The version that seals new values."""
        return max(self.keys)


def load_key_ring(path: Path) -> KeyRing | None:
    """The ring in a file; None when there is no file. Raises SetupError for an unreadable or damaged one."""
    try:
        lines = path.read_text("ascii").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(
            f"The key file {path} cannot be read: {type(error).__name__}.",
            hint="It must be readable by the user that runs Tradepost.",
        ) from error
    return parse_key_ring([line for line in lines if line.strip() and not line.startswith("#")], str(path))


def parse_key_ring(lines: list[str], source: str) -> KeyRing:
    """A ring from lines `version base64`. Raises SetupError naming the source, never showing a key."""
    keys: dict[int, bytes] = {}
    for line in lines:
        found = _LINE.fullmatch(line.strip())
        try:
            key = base64.b64decode(found["key"], validate=True) if found else b""
        except binascii.Error:
            key = b""
        if found is None or len(key) != KEY_BYTES or int(found["version"]) in keys:
            raise SetupError(
                f"The key file {source} is damaged.",
                hint="Each line is a version and a base64 key of 32 bytes. Restore the file from its backup.",
            )
        keys[int(found["version"])] = key
    if not keys:
        raise SetupError(f"The key file {source} has no key.", hint="Restore the file from its backup.")
    return KeyRing(keys)


def make_key_ring(path: Path) -> KeyRing:
    """A new file with one fresh key, mode 0600. Never overwrites one; when two starts race, both use the first."""
    line = f"1 {base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode('ascii')}\n"
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # complete or not there at all, unlike a file that is still being written
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise SetupError(
            f"The key file {path} cannot be made: {error.strerror}.", hint="Check that its folder can be written."
        ) from error
    ring = load_key_ring(path)
    if ring is None:
        raise SetupError(f"The key file {path} vanished while it was made.", hint="Start again.")
    return ring
