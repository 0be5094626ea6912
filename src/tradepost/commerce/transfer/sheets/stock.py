"""Stock levels, by the columns of Shopify's inventory export: a count of each SKU at each location."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.inventory.stock import StockState, empty_level, move
from tradepost.commerce.store.rows import label_of
from tradepost.commerce.store.store import Store
from tradepost.commerce.transfer.sheets.columns import Column
from tradepost.commerce.transfer.sheets.draft import Deed, Draft
from tradepost.commerce.transfer.sheets.kind import Ground, Kind, Planning, Refused, Unique, required, units
from tradepost.commerce.transfer.sheets.named import Named, load_named
from tradepost.commerce.transfer.sheets.places import new_location
from tradepost.commerce.transfer.sheets.reading import Row
from tradepost.commerce.transfer.sheets.values import code, line, quantity, whole

_ASIDE: tuple[StockState, ...] = ("reserved", "damaged", "quality_control", "safety_stock")
_STATES: tuple[StockState, ...] = ("available", "committed", *_ASIDE)
_COUNTED = (*_STATES, "unavailable", "on_hand", "recounted")
_NOT_STOCKED = "not stocked"  # how Shopify says that a location does not hold the SKU


def _stocked(cell: str) -> Any:
    return _NOT_STOCKED if cell.lower() == _NOT_STOCKED else quantity(cell)


@dataclass(slots=True)
class StockRecord:
    """A row of a count."""

    row: Row
    sku: str


@dataclass(slots=True)
class Shelves:
    """What the store has of a batch's SKUs."""

    variants: dict[str, Variant]
    locations: Named[Location]
    levels: dict[tuple[str, str], StockLevel]


class Stock(Kind[StockRecord, Shelves]):
    """Shopify: Products > Inventory > Export."""

    name = "stock"
    once = True
    creates = ("location",)
    columns = (
        Column("sku", ("SKU",), code, required=True),
        Column("location", ("Location",), line(200), required=True),
        Column("bin", ("Bin name",), line(60)),
        Column("available", ("Available (not editable)", "Available"), _stocked),
        Column("committed", ("Committed (not editable)", "Committed"), _stocked),
        Column("unavailable", ("Unavailable (not editable)", "Unavailable"), _stocked),
        Column("on_hand", ("On hand (current)", "On hand"), _stocked),
        Column("recounted", ("On hand (new)",), _stocked),
        *(Column(state, (), quantity) for state in _ASIDE),
        Column("reorder_point", (), quantity),
        Column("reorder_quantity", (), quantity),
        Column("lead_time_days", (), whole),
    )

    def read(self, rows: Sequence[Row], ground: Ground) -> StockRecord | None:
        row = rows[0]
        sku = required(row, "sku")
        required(row, "location")
        said = [name for name in _COUNTED if row.get(name) is not None]
        absent = [name for name in said if row.get(name) == _NOT_STOCKED]
        if absent and len(absent) == len(said):
            return None
        if absent:
            raise Refused(row, absent[0], "says that the SKU is not stocked here, and another column counts it")
        if not {"available", "on_hand", "recounted"} & set(said):
            raise Refused(row, "available", "is empty, and so is what is on hand: nothing was counted")
        return StockRecord(row, sku)

    def unique(self, record: StockRecord) -> Iterator[Unique]:
        yield "SKU at the location", f"{record.sku}\0{record.row.get('location').lower()}", record.row, "sku"

    def first_row(self, record: StockRecord) -> Row:
        return record.row

    async def look_up(self, planning: Planning, records: Sequence[StockRecord]) -> Shelves:
        skus = sorted({record.sku for record in records})
        variants = await planning.store.all(select(Variant).where(Variant.sku.in_(skus)).order_by(Variant.id))
        levels = await planning.rows(select(StockLevel).where(StockLevel.sku.in_(skus)).order_by(StockLevel.id))
        return Shelves(
            {row.sku: row for row in variants},
            await load_named(planning, Location),
            {(row.sku, row.location_id): row for row in levels},
        )

    def plan(self, planning: Planning, known: Shelves, record: StockRecord, draft: Draft) -> None:
        row = record.row
        variant = known.variants.get(record.sku)
        if variant is None:
            raise Refused(row, "sku", "is no SKU of the shop: import its product first")
        if not variant.tracks_stock:
            raise Refused(row, "sku", "is a variant whose stock is not counted")
        place = known.locations.find(row, "location", planning)
        level = None if place is None else known.levels.get((record.sku, place.id))
        wanted = _wanted(row, variant.quantity_scale, level)
        if place is None:
            place = known.locations.make(draft, new_location(row.get("location")))
        fields = {
            name: units(row, name, variant.quantity_scale)
            for name in ("reorder_point", "reorder_quantity")
            if row.get(name) is not None
        }
        fields |= {name: row.get(name) for name in ("bin", "lead_time_days") if row.get(name) is not None}
        if level is None:
            draft.is_new = True
            level = empty_level(variant_id=variant.id, sku=variant.sku, location_id=place.id)
            for name, value in fields.items():
                setattr(level, name, value)
            known.levels[record.sku, place.id] = draft.add(1, level)
        else:
            draft.change(level, **fields)
        moved = {
            state: wanted[state] - getattr(level, state) for state in _STATES if wanted[state] != getattr(level, state)
        }
        if moved:
            words = ", ".join(f"{state} {getattr(level, state)} -> {wanted[state]}" for state in moved)
            cause = "initial" if draft.is_new else "count"
            deed = _count(level, moved, cause, planning.ground.source)
            draft.do(deed, f"{label_of(level)} at {place.code}: {words}")
        if draft.verdict != "unchanged":
            draft.emit("stock:counted", level, sku=level.sku, warehouse=place.code, changed=moved)


def _wanted(row: Row, scale: int, level: StockLevel | None) -> dict[StockState, int]:
    """The units of each state after the count. What the row does not say stays as it is."""
    said = {name: units(row, name, scale) for name in _COUNTED if row.get(name) is not None}
    if "recounted" in said:  # what somebody filled in, beside the sums that stood there before
        said["on_hand"] = said.pop("recounted")
        said.pop("available", None)
    held: dict[Any, int] = {state: getattr(level, state) if level is not None else 0 for state in _STATES}
    found = {state: said.get(state, held[state]) for state in _STATES}
    if "unavailable" in said:
        more = said["unavailable"] - sum(found[state] for state in _ASIDE)
        if more and any(state in said for state in _ASIDE):
            raise Refused(
                row, "unavailable", f"is not the sum of {', '.join(_ASIDE)}, which is {said['unavailable'] - more}"
            )
        if found["quality_control"] + more < 0:
            why = "is less than what stands reserved, damaged and as safety stock"
            raise Refused(row, "unavailable", why)
        found["quality_control"] += more  # the store cannot know better why they are not for sale
    if "on_hand" in said:
        others = sum(found[state] for state in _STATES if state != "available")
        if "available" in said and said["available"] + others != said["on_hand"]:
            why = f"is not the sum of its states: {said['available']} available and {others} others"
            raise Refused(row, "on_hand", why)
        if said["on_hand"] < others:
            raise Refused(row, "on_hand", f"is less than the {others} units that are not available")
        found["available"] = said["on_hand"] - others
    return found


def _count(level: StockLevel, moved: dict[StockState, int], cause: Any, source: str) -> Deed:
    def count(store: Store) -> None:
        for state, delta in moved.items():
            if delta > 0:
                move(store, level, None, state, delta, cause, source, "CSV import")
            else:
                move(store, level, state, None, -delta, cause, source, "CSV import")

    return count
