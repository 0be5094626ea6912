"""Where the vault's keys come from: a file that the hub makes and writes, or a variable that the operator sets."""

import re
from pathlib import Path
from typing import Protocol

from tradepost.hub.vault.keyring import KeyRing, load_key_ring, make_key_ring, parse_key_ring, replace_key_ring

KEYS_VARIABLE = "TRADEPOST_VAULT_KEYS"


class KeySource(Protocol):
    """Where the ring comes from. `name` begins a sentence."""

    name: str
    restore: str  # what to do where it is not the right one

    def load(self) -> KeyRing | None:
        """The ring as it is now, None where there is none yet. Raises SetupError."""
        ...

    def make(self) -> KeyRing:
        """The first ring. Raises SetupError where that is for somebody else to do."""
        ...

    def changed(self) -> bool:
        """Whether it may be another one than when it was last loaded."""
        ...

    def write(self, ring: KeyRing) -> bool:
        """Put this ring in its place, all or nothing. False where that is for somebody else to do. Raises
        SetupError."""
        ...


class FileKeys:
    """The ring in a file of ours."""

    def __init__(self, path: Path) -> None:
        self.name = f"The key file {path}"
        self.restore = "Restore the key file that belongs to this database"
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    def load(self) -> KeyRing | None:
        self._seen = self._look()  # before it is read: a change in between is seen by the next look
        return load_key_ring(self._path)

    def make(self) -> KeyRing:
        made = make_key_ring(self._path)
        self._seen = self._look()
        return made

    def changed(self) -> bool:
        return self._look() != self._seen

    def write(self, ring: KeyRing) -> bool:
        replace_key_ring(self._path.resolve(), ring)  # it may be a link to where it is kept
        return True

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


class EnvironmentKeys:
    """The ring in a variable, which is what it was when the process started."""

    def __init__(self, lines: str, variable: str = KEYS_VARIABLE) -> None:
        self.name = f"The variable {variable}"
        self.restore = f"Set {variable} to the keys that belong to this database"
        self._lines = [line for line in re.split(r"[\n,;]", lines) if line.strip()]

    def load(self) -> KeyRing | None:
        return parse_key_ring(self._lines, self.name, self.restore)

    def make(self) -> KeyRing:
        return parse_key_ring(self._lines, self.name, self.restore)

    def changed(self) -> bool:
        return False

    def write(self, ring: KeyRing) -> bool:
        return False
