"""Partners and places that rows name: by code or number, external id or name. All are read: they are few."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import select

from tradepost.commerce.store.rows import noun_of
from tradepost.commerce.transfer.sheets.draft import Draft
from tradepost.commerce.transfer.sheets.kind import Planning, Refused
from tradepost.commerce.transfer.sheets.reading import Row, shown

Model = TypeVar("Model")
_LISTED = 8


class Named(Generic[Model]):
    """All records of a kind that is called by name."""

    def __init__(self, model: type[Model], rows: Sequence[Model]) -> None:
        self._noun = noun_of(model)
        self._by_handle: dict[str, Model] = {}
        self._by_name: dict[str, list[Model]] = {}
        self._names: list[str] = []
        for row in rows:
            self._take(row)

    def _take(self, row: Any) -> None:
        for name in ("id", "code", "number", "external_id"):
            handle = getattr(row, name, None)
            if handle:
                self._by_handle.setdefault(handle.lower(), row)
        self._by_name.setdefault(row.name.lower(), []).append(row)
        self._names.append(shown(row.name))

    def find(self, row: Row, field: str, planning: Planning) -> Model | None:
        """The one that a cell names; None where there is none and the import may make it. Raises Refused."""
        wanted = str(row.get(field)).lower()
        found = self._by_handle.get(wanted)
        if found is not None:
            return found
        named = self._by_name.get(wanted, [])
        if len(named) == 1:
            return named[0]
        if named:
            raise Refused(row, field, f"fits {len(named)} {self._noun}s: use the code or number")
        if self._noun in planning.ground.create:
            return None
        names = sorted(self._names)
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        there = f"there are {', '.join(names[:_LISTED])}{more}" if names else "there is none yet"
        raise Refused(row, field, f"is no {self._noun} of the shop: {there}. --create {self._noun} makes it")

    def make(self, draft: Draft, model: Any, *, number: str | None = None) -> Model:
        """A new one, made on the way."""
        made: Model = draft.add(0, model, number=number)
        self._take(made)
        return made


async def load_named(planning: Planning, model: Any) -> Named[Any]:
    """All of a kind."""
    return Named(model, await planning.store.all(select(model).order_by(model.id)))
