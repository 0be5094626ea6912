"""What a return says, on each of its lines: those of a SKU or a reason tell which returns fit a search."""

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Mapped

from tradepost.commerce.store.copied import Copied, Source, Tables, keep_copied, of_parent

# Columns of a line, and which of its return they repeat.
_REPEATED = {
    "requested_at": "requested_at",
    "return_status": "status",
    "resolution": "resolution",
    "location_id": "location_id",
}


class OfReturn:
    """The columns: when the return was asked for, its state, the outcome wanted, and where it goes."""

    requested_at: Mapped[datetime | None]
    return_status: Mapped[str | None]
    resolution: Mapped[str | None]
    location_id: Mapped[str | None]


def _values(tables: Tables) -> dict[str, ColumnElement[str]]:
    return {own: of_parent(tables, "return_lines", "return_id", "returns", its) for own, its in _REPEATED.items()}


keep_copied(
    Copied(
        "return_lines",
        _values,
        {
            "return_lines": Source(("return_id",), when_new=True),
            "returns": Source(tuple(_REPEATED.values()), key="return_id"),
        },
    )
)
