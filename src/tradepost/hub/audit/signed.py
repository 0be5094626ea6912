"""What signatures say of a chain, while it is followed link by link."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradepost.foundation.clock import to_rfc3339
from tradepost.hub.audit.models import AuditCheckpoint
from tradepost.hub.audit.statement import Statement, is_signed, said_of_checkpoint

UNSIGNED_AT_MOST = timedelta(minutes=15)  # that a hub seals without signing; it signs once a minute


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose signatures count: these public keys, any where they are None. With keys, something has to be signed.
    `kept` is a statement that was kept elsewhere: the chain has to agree with it."""

    keys: frozenset[str] | None = None
    kept: Statement | None = None


NO_TRUST = Trust()


class Signed:
    """The statements on the way along a chain. Each method returns why the chain is broken, None where it is not."""

    def __init__(self, trust: Trust, start: AuditCheckpoint | None = None) -> None:
        self._trust = trust
        self._start = start
        self._first = 0 if start is None else start.position
        self._is_started = start is not None and start.signature is not None
        self.last: Statement | None = None
        self._kept_seen = trust.kept is None or trust.kept.position < self._first
        self._unsigned_since: datetime | None = None

    @property
    def position(self) -> int:
        """As far as everything is signed."""
        if self.last is not None:
            return self.last.position
        return self._first if self._is_started else 0

    def begin(self) -> str | None:
        """Look at the checkpoint behind which the chain begins."""
        start = self._start
        if start is None:
            return None
        self._see_kept(start.position, start.chain_hash)
        if start.signature is None:
            return None  # made before anything was signed, or so it says: see `statement`
        if not is_signed(start.key, start.signature, said_of_checkpoint(start)):
            return f"the checkpoint at {start.position} was changed: its signature does not fit"
        return self._strange(start.key, f"the checkpoint at {start.position}")

    def statement(self, found: Statement, chained: str) -> str | None:
        """A statement about a link that has this hash."""
        if not found.is_genuine:
            return f"the statement at {found.position} was changed: its signature does not fit"
        strange = self._strange(found.key, f"the statement at {found.position}")
        if strange is not None:
            return strange
        if found.chain_hash != chained:
            return f"the chain was computed anew: at {found.position} it is not what was signed"
        if self.last is not None and found.previous != self.last.position:
            return f"a statement between {self.last.position} and {found.position} was removed"
        if self.last is None and found.previous and not self._is_started:
            if found.previous > self._first:
                return f"the statement at {found.previous} was removed"
            return f"the checkpoint at {self._first} is not signed, though the hub signed before it"
        self.last = found
        self._unsigned_since = None
        return None

    def link(self, position: int, chained: str, sealed_at: datetime) -> str | None:
        """A link, after the statement about it where there is one."""
        self._see_kept(position, chained)
        if not self.position or self.position == position:
            return None
        if self._unsigned_since is None:
            self._unsigned_since = sealed_at
        if sealed_at - self._unsigned_since > UNSIGNED_AT_MOST:
            since = to_rfc3339(self._unsigned_since)
            return f"statements behind {self.position} were removed: rows sealed from {since} on are not signed"
        return None

    def end(self, newest: int) -> str | None:
        """What is missing at the end; `newest` is the position of the last statement there is."""
        if newest > max(self.position, self._first):
            return f"rows after this one were cut off: there is a signed statement about {newest}"
        if self._trust.keys and not self.position:
            return "nothing is signed, though there is a key for it: the statements were removed"
        kept = self._trust.kept
        if kept is not None and not self._kept_seen:
            at = to_rfc3339(kept.signed_at)
            return f"rows were cut off or changed: {kept.position} with another hash was signed at {at}, and kept"
        return None

    def _see_kept(self, position: int, chained: str) -> None:
        kept = self._trust.kept
        if kept is not None and (kept.position, kept.chain_hash) == (position, chained):
            self._kept_seen = kept.is_genuine

    def _strange(self, key: str | None, what: str) -> str | None:
        if self._trust.keys is None or key in self._trust.keys:
            return None
        return f"{what} was signed with another key: {key}"
