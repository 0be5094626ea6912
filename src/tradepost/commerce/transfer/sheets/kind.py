"""What a kind of CSV file (products, orders, …) has to say of itself, and the ground it plans on."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import Select

from tradepost.commerce.store.books import ClosedBooks
from tradepost.commerce.store.store import Store
from tradepost.commerce.transfer.sheets.columns import Column
from tradepost.commerce.transfer.sheets.draft import Draft
from tradepost.commerce.transfer.sheets.reading import Row
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.money import minor_from_decimal

Record = TypeVar("Record")
Known = TypeVar("Known")
AnyRow = TypeVar("AnyRow")


class Refused(Exception):
    """A record that is not imported: the row and field at fault, and why."""

    def __init__(self, row: Row, field: str, why: str) -> None:
        super().__init__(why)
        self.row, self.field, self.why = row, field, why


@dataclass(frozen=True, slots=True)
class Ground:
    """What reading a record rests on: the shop's currency and time, the file's name, the kinds of records that may be
    made on the way because the file names them ("location"), and what is closed of the shop's books."""

    currency: str
    now: datetime
    source: str
    create: frozenset[str] = frozenset()
    closed: ClosedBooks | None = None

    def require_open(self, row: Row, name: str) -> None:
        """Raise Refused where the time in a field lies in the closed time of the books."""
        if self.closed is not None and self.closed.hold(row.get(name)):
            raise Refused(row, name, f"lies in the closed time: {self.closed.says()}")

    def undated(self, guess: datetime) -> datetime:
        """When something happened that the file does not date: at the guess, or now where the books are closed then."""
        return self.now if self.closed is not None and self.closed.hold(guess) else guess


@dataclass(slots=True)
class Planning:
    """A batch being planned. `write`: it will be written, so loaded rows are locked. `memory` lasts for the pass."""

    store: Store
    ground: Ground
    write: bool
    memory: dict[Any, Any] = field(default_factory=dict)

    async def rows(self, statement: Select[AnyRow]) -> Sequence[AnyRow]:
        """All rows of a one-entity select that is ordered by id; locked where the batch will be written."""
        if self.write:
            return await self.store.lock_all(statement.execution_options(populate_existing=True))
        return await self.store.all(statement)


Unique = tuple[str, str, Row, str]  # what kind of name, the name, its row, its field


class Kind(ABC, Generic[Record, Known]):
    """A kind of CSV file. `key` is the field that the rows of one record share; `once`: a file tells of one moment, so
    importing it again later would undo what happened since."""

    name: ClassVar[str]
    key: ClassVar[str | None] = None
    once: ClassVar[bool] = False
    columns: ClassVar[tuple[Column, ...]]
    creates: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def read(self, rows: Sequence[Row], ground: Ground) -> Record | None:
        """The record that some rows make; None where they say nothing of this kind. Raises Refused."""

    def unique(self, record: Record) -> Iterator[Unique]:
        """The names that no other record of the file may have."""
        yield from ()

    def arrange(self, records: list[Record]) -> list[Record]:
        """The records of a batch in the order in which they are planned."""
        return records

    @abstractmethod
    async def look_up(self, planning: Planning, records: Sequence[Record]) -> Known:
        """All that planning these records needs to know of the store."""

    @abstractmethod
    def plan(self, planning: Planning, known: Known, record: Record, draft: Draft) -> None:
        """What importing the record does. Leaves `known` alone until nothing can be refused any more. Raises Refused,
        or another error of ours."""

    @abstractmethod
    def first_row(self, record: Record) -> Row:
        """Where the record begins."""


def required(row: Row, name: str) -> Any:
    """The value of a field. Raises Refused for an empty cell."""
    value = row.get(name)
    if value is None:
        raise Refused(row, name, "is empty")
    return value


def minor(row: Row, name: str, currency: str) -> int | None:
    """An amount in minor units; None for an empty cell. Raises Refused for more decimals than the currency has."""
    value: Decimal | None = row.get(name)
    if value is None:
        return None
    try:
        return minor_from_decimal(str(value), currency)
    except TradepostError as error:
        raise Refused(row, name, error.message) from None


def units(row: Row, name: str, scale: int) -> int:
    """A quantity in 10^-scale units of the variant. Raises Refused for parts of what is sold by the piece."""
    value: Decimal = required(row, name)
    scaled = value.scaleb(scale)
    if scaled != scaled.to_integral_value():
        what = "must be a whole number: it is sold by the piece" if not scale else f"has more than {scale} decimals"
        raise Refused(row, name, what)
    return int(scaled)


def positive(row: Row, name: str, scale: int) -> int:
    """Like units, and not zero."""
    found = units(row, name, scale)
    if found == 0:
        raise Refused(row, name, "must be more than zero")
    return found


def agree(rows: Sequence[Row], names: Sequence[str]) -> None:
    """Raise Refused where a later row of a record says something else of it than the first one."""
    first = rows[0]
    for row in rows[1:]:
        for name in names:
            value = row.get(name)
            if value is not None and value != first.get(name):
                said = first.raw.get(name) or "nothing"
                raise Refused(row, name, f"contradicts row {first.number} of the same record, which says {said}")
