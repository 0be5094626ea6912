"""Rows as plain tuples in the order of their columns, and moments as the text that each engine stores."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Table

from tradepost.database.bulk import Row

DAY = 86_400
When = Callable[[int], str]  # seconds since 1970 -> the engine's text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Sheet:
    """The rows of one table. `told` names the columns that every row gives; the others have their column default."""

    def __init__(self, model: type[Any], workspace_id: str, told: str) -> None:
        self.table: Table = model.__table__
        self.prefix = str(model.prefix)
        names = tuple(told.split())
        others = {
            column.key: _stored(column.default.arg(None) if column.default.is_callable else column.default.arg)
            for column in self.table.columns
            if column.key not in names and column.default is not None
        }
        self.columns = (*names, *others, "workspace_id")
        self._rest = (*others.values(), workspace_id)
        self.rows: list[Row] = []

    def add(self, *values: Any) -> None:
        """One row: a value per told column, in their order."""
        self.rows.append(values + self._rest)


def written(sheets: dict[str, Sheet], order: tuple[Table, ...]) -> Iterator[Sheet]:
    """The sheets that have rows, referenced tables first."""
    place = {table.name: position for position, table in enumerate(order)}
    yield from sorted((sheet for sheet in sheets.values() if sheet.rows), key=lambda sheet: place[sheet.table.name])


def as_json(value: Any) -> str:
    """The text of a JSON column."""
    return orjson.dumps(value).decode()


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970."""
    return int((moment - _EPOCH) // timedelta(seconds=1))


def clock_for(is_sqlite: bool) -> When:
    """How a moment is written. SQLite compares text, so it must be exactly what the column type writes."""
    ending = ".000000" if is_sqlite else "+00"
    times = [f" {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}{ending}" for s in range(DAY)]
    days: dict[int, str] = {}

    def when(seconds: int) -> str:
        day, second = divmod(seconds, DAY)
        text = days.get(day)
        if text is None:
            text = days[day] = (_EPOCH + timedelta(days=day)).date().isoformat()
        return text + times[second]

    return when


def _stored(value: Any) -> Any:
    return as_json(value) if isinstance(value, dict | list) else value
