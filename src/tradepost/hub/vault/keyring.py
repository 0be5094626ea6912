"""The keys that seal secrets: a line with version and key for each. They come from a small file or the environment.

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
    def newest(self) -> int:
        """The highest version."""
        return max(self.keys)


def new_key() -> bytes:
    """A fresh key."""
    return secrets.token_bytes(KEY_BYTES)


def key_line(version: int, key: bytes) -> str:
    """How a key stands in a ring."""
    return f"{version} {base64.b64encode(key).decode('ascii')}"


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
    kept = [line for line in lines if line.strip() and not line.startswith("#")]
    return parse_key_ring(kept, f"The key file {path}", "Restore the file from its backup")


def parse_key_ring(lines: list[str], source: str, restore: str) -> KeyRing:
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
                f"{source} is damaged.", hint=f"Each line is a version and a base64 key of 32 bytes. {restore}."
            )
        keys[int(found["version"])] = key
    if not keys:
        raise SetupError(f"{source} has no key.", hint=f"{restore}.")
    return KeyRing(keys)


def make_key_ring(path: Path) -> KeyRing:
    """A new file with one fresh key, mode 0600. Never overwrites one; when two starts race, both use the first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _draft(path, KeyRing({1: new_key()}))
        try:
            os.link(draft, path)  # complete or not there at all, unlike a file that is still being written
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise _not_written(path, error) from error
    ring = load_key_ring(path)
    if ring is None:
        raise SetupError(f"The key file {path} vanished while it was made.", hint="Start again.")
    return ring


def replace_key_ring(path: Path, ring: KeyRing) -> None:
    """Another ring in the file's place, mode 0600: whoever reads it sees the old one or the new one, also after a power
    cut. Raises SetupError, having changed nothing."""
    try:
        draft = _draft(path, ring)
        try:
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise _not_written(path, error) from error


def _draft(path: Path, ring: KeyRing) -> Path:
    """The ring in a file beside the one it is for."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{key_line(version, key)}\n" for version, key in sorted(ring.keys.items()))
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink()
        raise
    return draft


def _not_written(path: Path, error: OSError) -> SetupError:
    return SetupError(
        f"The key file {path} cannot be made: {error.strerror}.", hint="Check that its folder can be written."
    )
