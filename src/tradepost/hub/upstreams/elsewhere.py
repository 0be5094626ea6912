"""Credentials that are kept in secrets managers: for how long what was read there may be used, by connection."""

from collections.abc import Callable, Sequence

from tradepost.hub.upstreams.connection import Key
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import Vault


class Elsewhere:
    """Knows when a connection's credential has to be read anew. `kept` is empty where no credential is elsewhere."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.kept: dict[Key, tuple[float, Sequence[Header]]] = {}  # until when, and what was sent

    def is_due(self, key: Key) -> bool:
        """Whether the credential has to be looked up where it is kept before it is used again."""
        kept = self.kept.get(key)
        return kept is not None and self._vault.references.clock() >= kept[0]

    def take(self, key: Key, headers: Sequence[Header]) -> bool:
        """Take note of what was just read; whether the credential is another one than before."""
        ends = [header.until for header in headers if header.until is not None]
        before = self.kept.pop(key, None)
        if ends:
            self.kept[key] = (min(ends), headers)
        return before is not None and list(before[1]) != list(headers)

    def on_refused(self, key: Key) -> Callable[[], None] | None:
        """What to do when the server does not take the credential; None for one that is kept here."""
        return (lambda: self._refused(key)) if key in self.kept else None

    def forget(self, key: Key) -> None:
        """There is no such connection any more."""
        self.kept.pop(key, None)

    def _refused(self, key: Key) -> None:
        """Perhaps there is another one by now."""
        kept = self.kept.get(key)
        if kept is not None:
            self._vault.refused(kept[1])
            self.kept[key] = (0.0, kept[1])
