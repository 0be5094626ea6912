"""What every record of the shop can say of itself: its id prefix and how a person would call it."""

from typing import Any


def noun_of(row: Any) -> str:
    """ "order", "stock level": the class's noun, or its table's name."""
    return str(getattr(row, "noun", None) or row.__tablename__)


def label_of(row: Any) -> str:
    """ "order 1001", "stock level A-1 at loc_…": how a record is called in previews, errors and events."""
    name = getattr(row, "number", None) or getattr(row, "sku", None) or getattr(row, "code", None) or row.id
    return f"{noun_of(row)} {name}"
