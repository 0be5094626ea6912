"""Records and values of the shop in words that a manager understands, by the table in `words`.

Personal data is masked: a preview goes to agents, into mails and to all who look at approvals. For people who may
see it the whole is kept beside. What outsiders wrote is cleaned and stands on one line.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, Column, Date, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.store.changes import ChangeLog
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.words import COUNTS, HIDDEN, LABELS, NUMBERS, RECORDS, REFERS, UNITS, WORDS, Kind
from tradepost.database.base import StoreBase
from tradepost.database.types import JsonColumn, UtcDateTime
from tradepost.foundation.money import display
from tradepost.foundation.outsiders import delivered_person
from tradepost.foundation.untrusted import clean

MAX_TEXT = 300
MAX_NAME = 60
_OF_ADDRESS = ("line1", "line2", "postal_code", "city", "region", "country")
_PRIVATE = ("line1", "line2", "signed_by", "postal_code")  # inside of JSON values
_OF_PERSONS = frozenset({("drivers", "name")})
_ENDINGS = ("_minor", "_at", "_id")
_BY_ENDING: tuple[tuple[str, Kind], ...] = (
    ("_minor", "money"),
    ("_days", "days"),
    ("_minutes", "minutes"),
    ("_milli", "thousandths"),
    ("_grams", "grams"),
    ("address", "address"),
    ("email", "email"),
    ("phone", "phone"),
)


def label_for(table: str, column: str) -> str:
    """A field's name for people: "refunded so far"."""
    found = RECORDS[table].labels.get(column) or LABELS.get(column)
    if found is not None:
        return found
    for ending in _ENDINGS:
        column = column.removesuffix(ending)
    return column.replace("_", " ")


@cache
def kind_for(table: str, column: str) -> Kind:
    """What kind of value a column holds. Raises LookupError for a whole number that nobody has said the meaning of."""
    if column in HIDDEN or column in RECORDS[table].hidden:
        return "hidden"
    if refers_to(table, column) is not None:
        return "record"
    for ending, kind in _BY_ENDING:
        if column.endswith(ending):
            return kind
    stored = _columns(table)[column]
    for of, kind in ((UtcDateTime, "time"), (Date, "date"), (Boolean, "yes"), (JsonColumn, "details")):
        if isinstance(stored.type, of):
            return kind
    if column in COUNTS:
        return "count"
    if column in NUMBERS:
        return "number"
    if stored.type.python_type is int:
        raise LookupError(f"{table}.{column} is a whole number of what?")
    return "word" if column in WORDS else "text"


@cache
def refers_to(table: str, column: str) -> str | None:
    """The table that a column names a record of."""
    for key in StoreBase.metadata.tables[table].foreign_key_constraints:
        if column in (name for name in key.column_keys if name != "workspace_id"):
            return key.referred_table.name
    return REFERS.get(column)


def units_of(quantity: int, scale: int, unit: str) -> str:
    """A quantity as people write it: "12 pcs", "2.5 kg"."""
    sign = "-" if quantity < 0 else ""
    whole, fraction = divmod(abs(quantity), 10**scale)
    digits = f".{fraction:0{scale}d}".rstrip("0").rstrip(".") if scale else ""
    one, many = UNITS.get(unit, (unit, unit))
    return f"{sign}{whole:,}{digits} {one if abs(quantity) == 10**scale else many}"


def one_line(text: str, cap: int = MAX_TEXT) -> str:
    """Outsiders' text without what nobody sees, on one line."""
    return clean(" ".join(clean(text, 10 * cap).split()), cap)


class Wording:
    """Words for the rows of one session; looks up what they refer to. `zone` is the shop's."""

    def __init__(self, session: AsyncSession, workspace_id: str, zone: str, currency: str, log: ChangeLog) -> None:
        self._session = session
        self._workspace_id = workspace_id
        self._zone = zone
        self._currency = currency
        self._log = log

    async def name(self, row: Any) -> str:
        """ "Order #1001", as the subject of a line. A record that is new has no number before it is there for good:
        the one of a preview may go to another."""
        template = RECORDS[row.__tablename__].name
        said = await self._filled(row, template)
        return said[:1].upper() + said[1:] if _may_begin_large(row.__tablename__, template) else said

    async def short(self, row: Any) -> str:
        """ "order #1001", inside a sentence."""
        words = RECORDS[row.__tablename__]
        return await self._filled(row, words.short or words.name)

    async def value(self, row: Any, column: str, value: Any, *, whole: bool = False) -> Any:
        """A value of a column, ready to read; None stays None. `whole`: as those see it who may see personal data."""
        kind = kind_for(row.__tablename__, column)
        if value is None or value == "":
            return None
        if kind == "money":
            return display(int(value), await self._currency_of(row))
        if kind == "count":
            return units_of(int(value), *await self._unit_of(row))
        if kind == "record":
            other = await self._get(refers_to(row.__tablename__, column) or "", str(value))
            return one_line(str(value), MAX_NAME) if other is None else await self.short(other)
        if kind == "details":
            return one_line(_spoken(value, await self._currency_of(row), whole=whole))
        return self.plain(kind, value, whole=whole)

    def plain(self, kind: Kind, value: Any, *, whole: bool = False) -> Any:
        """A value that says all of itself."""
        if isinstance(value, datetime):
            local = value.astimezone(_zone(self._zone))
            return f"{local.day} {local:%b %Y, %H:%M} ({self._zone})"
        if isinstance(value, date):
            return f"{value.day} {value:%b %Y}"
        if isinstance(value, bool):
            return "yes" if value else "no"
        said = _IN_UNITS.get(kind)
        if said is not None:
            return said.format(f"{value / 1000:g}" if kind == "thousandths" else value)
        if isinstance(value, int):
            return value
        return _said(kind, value, whole=whole)

    # ---

    async def _filled(self, row: Any, template: str) -> str:
        new = self._log.is_new(row)
        parts: list[str] = []
        for optional, inner in _segments(template):
            known: dict[str, str] = {}
            for column in columns_in(inner):
                value = None if new and column == "number" else getattr(row, column)
                found = await self._part(row, column, value)
                known[column] = found if found is not None else "?"
                if found is None and optional:
                    break
            else:
                parts.append(inner.format_map(known))
        return "".join(parts)

    async def _part(self, row: Any, column: str, value: Any) -> str | None:
        if value is None or value == "":
            return None
        target = refers_to(row.__tablename__, column)
        if target is not None:
            other = await self._get(target, str(value))
            return None if other is None else await self.short(other)
        if column == "type":
            return str(value).replace("_", " ")
        said = one_line(str(value), MAX_NAME)
        return delivered_person(said) if (row.__tablename__, column) in _OF_PERSONS else said

    async def _currency_of(self, row: Any) -> str:
        own = getattr(row, "currency", None)
        if isinstance(own, str) and own:
            return own
        for column in _columns(row.__tablename__):
            target = refers_to(row.__tablename__, column)
            if target is not None and getattr(row, column) is not None:
                other = await self._get(target, getattr(row, column))
                if other is not None and (hasattr(other, "currency") or "order_id" in _columns(target)):
                    return await self._currency_of(other)
        return self._currency

    async def _unit_of(self, row: Any) -> tuple[int, str]:
        if hasattr(row, "quantity_scale"):
            return row.quantity_scale, row.unit
        variant = await self._get("variants", getattr(row, "variant_id", None))
        if variant is None:
            line = await self._get("order_lines", getattr(row, "order_line_id", None))
            return (0, "C62") if line is None else (line.quantity_scale, line.unit)
        return variant.quantity_scale, variant.unit

    async def _get(self, table: str, row_id: str | None) -> Any:
        if row_id is None:
            return None
        return await self._session.get(models()[table], (self._workspace_id, row_id))


async def wording_of(store: Store, log: ChangeLog) -> Wording:
    """Words for what a store's transaction did, in the shop's own time."""
    zone = (await store.session.execute(select(StoreSettings.timezone).limit(1))).scalar_one_or_none() or "UTC"
    return Wording(store.session, store.caller.workspace_id, zone, store.currency, log)


_IN_UNITS: Mapping[Kind, str] = {
    "days": "{} days",
    "minutes": "{} minutes",
    "thousandths": "{}",
    "grams": "{} g",
}


def _said(kind: Kind, value: Any, *, whole: bool) -> str:
    """Text, without what only few may see, unless it is for them."""
    if kind == "address" and whole:
        lines = [str(value.get(part) or "") for part in _OF_ADDRESS]
        return one_line(", ".join(line for line in lines if line), MAX_TEXT)
    if kind == "email" and not whole:
        local, _, domain = str(value).partition("@")
        return one_line(f"{local[:1]}***@{domain}", MAX_NAME)
    if kind == "phone" and not whole:
        return f"***{one_line(str(value))[-2:]}"
    if kind == "address":
        town = " ".join(str(value.get(part) or "") for part in ("postal_code", "city")).strip()
        parts = ("***" if value.get("line1") else "", town, value.get("region"), value.get("country"))
        return one_line(", ".join(str(part) for part in parts if part), MAX_TEXT)
    if kind == "word":
        return one_line(str(value)).replace("_", " ")
    return one_line(str(value))


def _spoken(value: Any, currency: str, *, whole: bool) -> str:
    """What a JSON value says, without its marks."""
    if isinstance(value, Mapping):
        parts = ((str(name), inner) for name, inner in value.items() if not str(name).endswith("_id"))
        said = (
            (name.removesuffix("_minor"), _spoken_part(name, inner, currency, whole=whole)) for name, inner in parts
        )
        return "; ".join(f"{name.replace('_', ' ')}: {text}" for name, text in said if text)
    if isinstance(value, list):
        return ", ".join(_spoken(inner, currency, whole=whole) for inner in value)
    return "" if value is None else str(value)


def _spoken_part(name: str, value: Any, currency: str, *, whole: bool) -> str:
    """A part of a JSON value; one that is named like personal data is treated as such."""
    for ending, kind in _BY_ENDING:
        if value and kind in ("email", "phone", "address") and name.endswith(ending):
            if kind != "address" or isinstance(value, Mapping):
                return _said(kind, value, whole=whole)
            return str(value) if whole else "***"
    if name.endswith("_minor") and type(value) is int:
        return display(value, currency)
    hides = bool(value) and name in _PRIVATE and not whole
    return "***" if hides else _spoken(value, currency, whole=whole)


def _may_begin_large(table: str, template: str) -> bool:
    """Whether a name begins with a word of ours: what is somebody's name or code stays as it is written."""
    first = next(iter(columns_in(template)), None) if template.startswith("{") else None
    return first is None or first == "type"


@cache
def _segments(template: str) -> tuple[tuple[bool, str], ...]:
    found: list[tuple[bool, str]] = []
    for index, outer in enumerate(template.split("[")):
        inner, closed, rest = outer.partition("]")
        if index == 0 or not closed:
            found.append((False, outer))
        else:
            found += [(True, inner), (False, rest)]
    return tuple(part for part in found if part[1])


@cache
def columns_in(template: str) -> tuple[str, ...]:
    """The columns that a template names."""
    return tuple(name for _, name, _, _ in Formatter().parse(template) if name)


@cache
def _columns(table: str) -> Mapping[str, Column[Any]]:
    return dict(StoreBase.metadata.tables[table].columns.items())


@cache
def models() -> Mapping[str, Any]:
    """Every kind of record by its table."""
    return {mapper.class_.__tablename__: mapper.class_ for mapper in StoreBase.registry.mappers}


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
