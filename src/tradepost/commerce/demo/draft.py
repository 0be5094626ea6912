"""A shop in memory: rows are made one by one, with ids and chance that follow from the seed, and written in one go.

Rows are plain model objects that never join a session. So they can still change while the shop is being told, and
writing them is one bulk statement per chunk of a table.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar, cast

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.orders.models import Order
from tradepost.commerce.store.copied import copy_anew
from tradepost.commerce.store.models import NumberRange
from tradepost.commerce.store.order_sums import sum_up_orders
from tradepost.commerce.tables import METADATA
from tradepost.database.base import Scoped
from tradepost.database.types import SearchWords

Row = TypeVar("Row", bound=Scoped)
Progress = Callable[[int, int], None]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_CHARACTERS = 23
_CHUNK_ROWS = 500


class Draft:
    """All rows of one workspace's shop before they are written. `now` is the moment everything is relative to."""

    def __init__(
        self, workspace_id: str, seed: int, now: datetime, reserved: frozenset[str] = frozenset(), shop: str = "main"
    ) -> None:
        self.workspace_id = workspace_id
        self.seed = seed
        self._shop = shop
        self.now = now
        self._reserved = reserved
        self._rows: dict[type[Any], list[Any]] = defaultdict(list)
        self._counts: dict[str, int] = defaultdict(int)

    def chance(self, topic: str) -> Random:
        """A generator of its own for a topic: more chance in one part of the shop does not shift another part."""
        return Random(f"{self.seed}:{topic}")

    def token(self, topic: str, number: int, length: int = _ID_CHARACTERS) -> str:
        """Characters that look random and are the same for the same seed and shop, in whichever workspace it stands."""
        digest = hashlib.blake2b(f"{self.seed}:{self._shop}:{topic}:{number}".encode(), digest_size=32).digest()
        return "".join(_ALPHABET[byte % 32] for byte in digest[:length])

    def number(self, prefix: str, start: int = 1000) -> str:
        """The next number of a kind, leaving out those that named cases have."""
        key = f"number {prefix}"
        while True:
            self._counts[key] += 1
            number = f"{prefix}{start + self._counts[key]}"
            if number not in self._reserved:
                return number

    def add(self, model: type[Row], **values: Any) -> Row:
        """A new row with its column defaults filled in. Without a `created_at` it is 90 days old."""
        prefix = str(getattr(model, "prefix", model.__name__))
        if "id" not in values:
            self._counts[prefix] += 1
            values["id"] = f"{prefix}_{self.token(prefix, self._counts[prefix])}"
        complete = {**_defaults(model), "workspace_id": self.workspace_id, **values}
        if hasattr(model, "created_at"):
            complete["created_at"] = values.get("created_at") or self.now - timedelta(days=90)
        if hasattr(model, "updated_at"):
            complete["updated_at"] = values.get("updated_at") or complete["created_at"]
        make: Callable[..., Row] = model
        row = make(**complete)
        self._rows[model].append(row)
        return row

    def rows(self, model: type[Row]) -> list[Row]:
        """The rows of a model so far, in the order they were made."""
        return cast("list[Row]", self._rows[model])

    def models(self) -> list[type[Any]]:
        """The models that have rows."""
        return [model for model, rows in self._rows.items() if rows]

    def counts(self) -> dict[str, int]:
        """Rows per table."""
        return {model.__tablename__: len(rows) for model, rows in self._rows.items() if rows}

    def add_number_ranges(self) -> None:
        """Let numbers given later continue above the highest one of each kind here."""
        highest: dict[str, int] = {}
        for rows in self._rows.values():
            for row in rows:
                number = getattr(row, "number", None) or ""
                prefix = number.rstrip("0123456789")
                if number != prefix:
                    highest[prefix] = max(highest.get(prefix, 0), int(number[len(prefix) :]))
        for prefix, last in sorted(highest.items()):
            self.add(NumberRange, id=prefix, last=last)

    async def write(self, session: AsyncSession, on_progress: Progress | None) -> int:
        """Insert everything, referenced tables first. Returns how many rows; the caller's transaction decides."""
        by_table = {model.__table__: rows for model, rows in self._rows.items() if rows}
        total = sum(len(rows) for rows in by_table.values())
        done = 0
        connection = await session.connection()
        for table in METADATA.sorted_tables:
            rows = by_table.get(table, [])
            for start in range(0, len(rows), _CHUNK_ROWS):
                chunk = rows[start : start + _CHUNK_ROWS]
                await connection.execute(insert(table), [_values(table, row) for row in chunk])
                done += len(chunk)
                if on_progress is not None:
                    on_progress(done, total)
        await sum_up_orders(session, self.workspace_id, [order.id for order in self.rows(Order)])
        written = {table.name: [row.id for row in rows] for table, rows in by_table.items()}
        await copy_anew(session, self.workspace_id, written)
        return total


def _values(table: Table, row: Any) -> dict[str, Any]:
    values = {column.key: getattr(row, column.key) for column in table.columns}
    # Whole seconds: nobody scans a parcel at a microsecond.
    return {
        key: value.replace(microsecond=0) if isinstance(value, datetime) else value for key, value in values.items()
    }


def _defaults(model: type[Any]) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for column in model.__table__.columns:
        default: Any = column.default
        if default is None or isinstance(column.type, SearchWords):  # who adds such a row says its words
            filled[column.key] = None
        else:
            filled[column.key] = default.arg(None) if default.is_callable else default.arg
    return filled
