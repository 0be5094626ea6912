"""The keys as one process has them: they seal, open and give secrets, and may change while it runs.

A version that is not known yet is looked for where the keys come from before anything is refused. Which version seals
is not decided here: it is learnt from the database, so that nobody seals with a key that others do not have yet.
"""

import logging

from tradepost.foundation.errors import SetupError
from tradepost.foundation.rotating import Rotating
from tradepost.hub.vault.key_source import KeySource
from tradepost.hub.vault.key_state import KeyState
from tradepost.hub.vault.keyring import KeyRing
from tradepost.hub.vault.sealing import Place, derived, seal, unseal

_log = logging.getLogger(__name__)


class HeldKeys:
    """The ring of this process, from its source."""

    def __init__(self, source: KeySource, ring: KeyRing, state: KeyState) -> None:
        self.source = source
        self._ring = ring
        self._unusable = state.unusable(ring)
        self._sealing = state.sealing or ring.newest
        self.is_current = True  # whether the version that seals is here
        self._derived: dict[tuple[int, str], bytes] = {}

    @property
    def sealing(self) -> int:
        """The version that seals here."""
        return self._sealing

    @property
    def numbers(self) -> list[int]:
        """The versions that open here, in order."""
        return sorted(self._ring.keys.keys() - self._unusable)

    def key(self, version: int) -> bytes | None:
        """The key of a version, also of one that was added a moment ago; None for one that is not there."""
        if version not in self._ring.keys and version not in self._unusable:
            self.reload()
        return None if version in self._unusable else self._ring.keys.get(version)

    def learn(self, state: KeyState) -> None:
        """Take over what the database says. A version that is not here never seals here."""
        self._unusable = state.unusable(self._ring)
        self.is_current = state.sealing is None or self.key(state.sealing) is not None
        if state.sealing is not None and self.is_current:
            self._sealing = state.sealing

    def reload(self) -> None:
        """Look whether there are other keys now. What was known stays while they cannot be read."""
        if not self.source.changed():
            return
        try:
            self.read()
        except SetupError as error:
            _log.error("the vault goes on with the keys it has: %s %s", error.message, error.hint)

    def read(self) -> KeyRing | None:
        """The ring as it is at its source now; this process has its keys, too, from now on. Raises SetupError."""
        found = self.source.load()
        # A key that is gone from there may still be needed by what this process began: it stays until it is retired.
        if found is not None:
            kept = {number: key for number, key in self._ring.keys.items() if number not in self._unusable}
            self._ring = KeyRing({**found.keys, **kept})
        return found

    def seal(self, place: Place, value: str) -> tuple[int, str]:
        """The key version and the ciphertext of a value."""
        version = self._sealing
        return version, seal(self._ring.keys[version], version, place, value)

    def open(self, place: Place, version: int, ciphertext: str) -> str:
        """The value. Raises Unavailable when the key is missing or the ciphertext is not the one of this place."""
        return unseal(self.key(version), version, place, ciphertext)

    def secrets_for(self, purpose: str) -> Rotating:
        """Secrets that only those have who have the keys, of their own for each purpose."""

        def secrets() -> list[bytes]:
            others = [number for number in reversed(self.numbers) if number != self._sealing]
            return [self._secret(number, purpose) for number in (self._sealing, *others)]

        return secrets

    def _secret(self, version: int, purpose: str) -> bytes:
        found = self._derived.get((version, purpose))
        if found is None:
            found = self._derived[version, purpose] = derived(self._ring.keys[version], purpose)
        return found
