"""Checking an export with its proof: no database, no secret, only the files and a public key that was noted."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.audit.chain import chain_hash, shown_hash
from tradepost.hub.audit.late import LATE_ROWS
from tradepost.hub.audit.proof import PROOF
from tradepost.hub.audit.statement import Statement

Lines = Iterable[bytes]
NONE, TWICE = "no row", "two rows"  # in the place of hashes, which they never are


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check of an export found. `rows` of it were compared with the chain; `others` are links of which only
    the hash is there. `signed_position` is that of the last statement, by `key` at `signed_at`."""

    workspace_id: str
    rows: int
    others: int
    first: int
    position: int
    signed_position: int = 0
    signed_at: datetime | None = None
    key: str | None = None
    broken_at: int | None = None
    reason: str | None = None


def check(rows: Lines, proof: Lines, keys: frozenset[str] | None = None) -> Checked:
    """Follow the chain through an export and its proof; all that was signed on the way has to fit, and the last link to
    be signed, with one of `keys` where they are given. Raises InvalidArgument for files that are something else."""
    proven = _objects(proof, "The proof")
    head = next(proven, {})
    if head.get("type") != PROOF:
        raise InvalidArgument("This is no proof of an export.", hint="`tradepost audit export FILE --proof FILE`.")
    look = _Look(head, _Rows(rows, str(head["workspace_id"])), proven, keys)
    reason = look.fault()
    last = look.last
    return Checked(
        workspace_id=look.workspace_id,
        rows=look.compared,
        others=look.others,
        first=look.first,
        position=look.position,
        signed_position=0 if last is None else last.position,
        signed_at=None if last is None else last.signed_at,
        key=None if last is None else last.key,
        broken_at=None if reason is None else look.position + 1,
        reason=reason,
    )


class _Look:
    """Goes along the chain."""

    def __init__(
        self, head: dict[str, Any], rows: "_Rows", proven: Iterator[dict[str, Any]], keys: frozenset[str] | None
    ) -> None:
        try:
            self.workspace_id, self._before = str(head["workspace_id"]), str(head["before"])
            self.first, self._until = int(head["first"]), int(head["until"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidArgument("The first line of the proof is not whole.") from error
        self.position = self.first - 1
        self.compared = self.others = 0
        self.last: Statement | None = None
        self._rows, self._proven, self._keys = rows, proven, keys
        self._next = next(proven, None)

    def fault(self) -> str | None:
        """Why it does not hold, None where it does."""
        while self.position < self._until:
            row = self._hash_at(self.position + 1)
            if row is None:
                return "the row is neither in the export nor in its proof"
            self._before = chain_hash(self._before, self.position + 1, row[0])
            if row[1] not in (None, self._before):
                return f"the row or one behind {self._signed} was changed: its hash is not the one that was exported"
            reason = self._statement_at(self.position + 1)
            if reason is not None:
                return reason
            self.position += 1
        left = self._rows.left()
        if left is not None:
            return f"the export has a row {left} that is not in the chain"
        if self.last is None or self.last.position != self.position:
            return "the end is not signed"
        return None

    @property
    def _signed(self) -> int:
        return self.first - 1 if self.last is None else self.last.position

    def _hash_at(self, position: int) -> tuple[str, str | None] | None:
        if self._next is not None and self._next.get("position") == position:
            row = str(self._next.get("row_hash"))
            self._next = next(self._proven, None)
            self.others += 1
            return row, None
        found = self._rows.take(position)
        self.compared += found is not None
        return found

    def _statement_at(self, position: int) -> str | None:
        said = None if self._next is None else self._next.get("statement")
        if said is None:
            return None
        found = Statement.from_plain(said)
        if found.position != position:
            return None
        self._next = next(self._proven, None)
        if found.workspace_id != self.workspace_id or not found.is_genuine:
            return f"the signature at {position} does not fit"
        if self._keys is not None and found.key not in self._keys:
            return f"the statement at {position} was signed with another key: {found.key}"
        if found.chain_hash != self._before:
            return f"a row behind {self._signed} was changed: the chain is not what was signed here"
        self.last = found
        return None


class _Rows:
    """The rows of an export by their positions. They come in the order they were written in, which is nearly that of
    the chain: those that are early wait."""

    def __init__(self, lines: Lines, workspace_id: str) -> None:
        self._rows = _objects(lines, "The export")
        self._workspace_id = workspace_id
        self._waiting: dict[int, tuple[str, str]] = {}

    def take(self, position: int) -> tuple[str, str] | None:
        """The hash of the row at a position, and that of its link as it was exported; None where it is not there."""
        while position not in self._waiting and len(self._waiting) <= 2 * LATE_ROWS:
            row = next(self._rows, None)
            if row is None:
                break
            found = self._position(row)
            is_twice = found in self._waiting
            self._waiting[found] = (TWICE if is_twice else _hash_of(row), str(row.get("chain_hash")))
        return self._waiting.pop(position, None)

    def _position(self, row: dict[str, Any]) -> int:
        if row.get("workspace_id") != self._workspace_id:
            raise InvalidArgument("A row of the export is of another workspace than the proof.")
        found = row.get("position")
        if not isinstance(found, int):
            raise InvalidArgument("A row of the export has no place in the chain.")
        return found

    def left(self) -> int | None:
        """The position of a row that nobody took."""
        row = next(self._rows, None)
        return next(iter(self._waiting), None) if row is None else self._position(row)


def _hash_of(row: dict[str, Any]) -> str:
    try:
        return shown_hash(row)
    except InvalidArgument:  # with a column that no row has, or a value that none can have
        return NONE


def _objects(lines: Lines, what: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line)  # exact about integers, unlike quicker ones
        except ValueError as error:
            raise InvalidArgument(
                f"{what} is no JSON in line {number}.", hint="Export it again as JSON lines."
            ) from error
        if not isinstance(found, dict):
            raise InvalidArgument(f"{what} has no object in line {number}.")
        yield found
