"""Addresses in CSV files: the columns that make one, and the address they make."""

from typing import Any

from tradepost.commerce.transfer.sheets.columns import Column
from tradepost.commerce.transfer.sheets.kind import Refused
from tradepost.commerce.transfer.sheets.reading import Row
from tradepost.commerce.transfer.sheets.values import country, line

# Our field, what Shopify calls it behind its prefix ("Shipping ", "Default Address "), the longest text.
_PARTS = (
    ("line1", ("Address1", "Street"), 200),
    ("line2", ("Address2",), 200),
    ("city", ("City",), 100),
    ("region", ("Province Code", "Province"), 100),
    ("postal_code", ("Zip",), 20),
)
_FIELDS = (*(name for name, _, _ in _PARTS), "country")
_NEEDED = ("line1", "city", "country")


def address_columns(prefix: str) -> tuple[Column, ...]:
    """The columns of an address whose headers begin with `prefix` in Shopify's export."""
    parts = [Column(ours, tuple(prefix + name for name in theirs), _part(cap)) for ours, theirs, cap in _PARTS]
    return (*parts, Column("country", (f"{prefix}Country Code", f"{prefix}Country"), country))


def _part(cap: int) -> Any:
    inner = line(cap)

    def read(cell: str) -> str:
        return str(inner(cell.removeprefix("'").strip()))  # spreadsheets keep a postal code as text with an apostrophe

    return read


def address_of(row: Row | None, **beside: str | None) -> dict[str, str] | None:
    """The address in a row; None where it has none. `beside`: what stands with it, such as a name. Without a row: the
    empty address. Raises Refused for half an address."""
    if row is None:
        return dict.fromkeys(_FIELDS, "")
    if not any(row.get(name) is not None for name in _FIELDS):
        return None
    for name in _NEEDED:
        if row.get(name) is None:
            raise Refused(row, name, "is empty: half an address is no address")
    found = {name: str(row.get(name) or "") for name in _FIELDS}
    return found | {name: value for name, value in beside.items() if value is not None}
