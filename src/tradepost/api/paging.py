"""Pages by keyset: the database goes on where the last one ended; a cursor belongs to one list of one workspace."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.canonical import canonical
from tradepost.foundation.clock import from_rfc3339, to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.pagination import decode_cursor, encode_cursor

Row = TypeVar("Row")

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Place:
    """Which list is paged: its name, its workspace and its filters, and where to go on."""

    name: str
    workspace_id: str
    limit: int
    cursor: str | None
    filters: Sequence[object] = ()

    @property
    def kind(self) -> str:
        """What a cursor of this list begins with."""
        text = canonical([self.workspace_id, *(None if one is None else str(one) for one in self.filters)])
        return f"{self.name}:{hashlib.sha256(text).hexdigest()[:16]}"

    def around(self, inner: str | None) -> str | None:
        """The cursor of a list that pages by itself, made one of this list."""
        return None if inner is None else encode_cursor(self.kind, [inner])


def within(place: Place) -> str | None:
    """The cursor of a list that pages by itself, out of the one that was sent. Raises InvalidArgument."""
    after = decode_cursor(place.kind, place.cursor, 1)
    return None if after is None else str(_value(after.values[0], str))


async def page_of(
    session: AsyncSession,
    place: Place,
    statement: Select[*tuple[Any, ...]],
    order: Sequence[tuple[Any, type]],
    *,
    newest: bool = False,
) -> tuple[list[Any], str | None]:
    """Rows of a statement whose first columns are given by `order` (each with the type of its values), and the cursor
    of the next page. Together the columns must be unique. With `newest`, from the last to the first."""
    columns = [column for column, _ in order]
    keys = [column.desc() if newest else column.asc() for column in columns]
    after = decode_cursor(place.kind, place.cursor, len(order))
    if after is not None:
        values = [_value(value, kind) for value, (_, kind) in zip(after.values, order, strict=True)]
        left, right = tuple_(*columns), tuple_(*values)
        statement = statement.where(left < right if newest else left > right)
    rows = (await session.execute(statement.add_columns(*columns).order_by(*keys).limit(place.limit + 1))).all()
    kept = rows[: place.limit]
    more = None
    if len(rows) > place.limit:
        more = encode_cursor(place.kind, [_plain(value) for value in kept[-1][-len(order) :]])
    return [row[0] if len(row) == len(order) + 1 else row[: -len(order)] for row in kept], more


def _plain(value: Any) -> Any:
    return to_rfc3339(value) if isinstance(value, datetime) else value


def _value(value: Any, kind: type) -> Any:
    """A value of a cursor as the column has it. Raises InvalidArgument: somebody made the cursor up."""
    try:
        if kind is datetime and isinstance(value, str):
            return from_rfc3339(value)
        if kind is str and isinstance(value, str):
            return value
        if kind is int and type(value) is int and abs(value) <= _LARGEST:
            return value
    except (ValueError, OverflowError):
        pass
    raise InvalidArgument(
        "The cursor is not one that this list gave.",
        hint="Pass next_cursor of the last page unchanged, with the same filters, or leave it out.",
        field="cursor",
    )
