"""Rows that this process has just written, for the sealer: to hash what was given to the database costs a third of
reading it back. Whatever changes a row afterwards, before its link as well, shows in a check."""

from collections.abc import Sequence
from typing import Any

from tradepost.hub.audit.fact import COLUMNS

MOST = 8_192  # rows; what waits longer for its link is read back
_ID = COLUMNS.index("id")

Row = tuple[Any, ...]  # the values of COLUMNS


class JustWritten:
    """Rows by their ids, each given out once."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._rows: dict[str, Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Sequence[Row]) -> None:
        """Keep rows that were committed; where there are too many, the oldest are let go."""
        kept = self._rows
        for row in rows:
            kept[row[_ID]] = row
        if len(kept) > self._most:
            for event_id in list(kept)[: len(kept) - self._most]:
                del kept[event_id]

    def take(self, event_ids: Sequence[str]) -> list[Row] | None:
        """The rows of these ids, in their order; None unless all of them are here."""
        rows = [self._rows.pop(event_id, None) for event_id in event_ids]
        found = [row for row in rows if row is not None]
        return found if len(found) == len(rows) else None
