"""Naming units of an order: by line or by variant, and taking them from the lines without taking one twice.

Two units of a variant may stand on one line or on two. A caller who names the variant means any unit of it, so units
are taken from its lines in their order; entries for the same variant add up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import or_, select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.views import units_text
from tradepost.commerce.store.rows import label_of
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.foundation.untrusted import clean

MAX_LINES = 50
MAX_UNITS = 999_999
MAX_POSITION = 999

Quantity = Annotated[int, Field(ge=1, le=MAX_UNITS)]
VariantReference = Annotated[str, Field(max_length=200)]


def _without_description(schema: dict[str, Any]) -> None:
    schema.pop("description", None)  # the argument that holds the entries describes them; schemas stay small


TERSE = ConfigDict(extra="forbid", json_schema_extra=_without_description)


class UnitsOf(BaseModel):
    """Units of an order: of its `line` (by position), or of a `variant` (sku or id); exactly one of the two."""

    model_config = TERSE

    line: int | None = Field(default=None, ge=1, le=MAX_POSITION)
    variant: str | None = Field(default=None, max_length=200)
    quantity: Quantity = 1


class Swap(UnitsOf):
    """Units of an order, and the variant wanted instead."""

    new_variant: VariantReference


@dataclass(frozen=True, slots=True)
class Taken:
    """Units taken from one line for the entry at `index`."""

    index: int
    line: OrderLine
    quantity: int


async def order_lines(store: Store, order: Order, *, lock: bool = False) -> list[OrderLine]:
    """The lines that the order still has, by position."""
    statement = select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.id)
    rows = await (store.lock_all(statement.execution_options(populate_existing=True)) if lock else store.all(statement))
    return sorted((row for row in rows if row.status != "removed"), key=lambda row: row.position)


async def find_variants(store: Store, references: Iterable[str], field: str) -> dict[str, Variant]:
    """{reference: variant} by id, sku ("sku:A-1" too) or external id, in one query. Raises NotFound for the first that
    does not exist."""
    wanted = {reference: reference.strip().removeprefix("sku:") for reference in references}
    if not wanted:
        return {}
    names = sorted({*wanted.values(), *(reference.strip() for reference in wanted)})
    rows = await store.all(
        select(Variant).where(or_(Variant.id.in_(names), Variant.sku.in_(names), Variant.external_id.in_(names)))
    )
    found: dict[str, Variant] = {}
    for reference, bare in wanted.items():
        exact = reference.strip()
        for attribute, name in (("id", exact), ("external_id", exact), ("sku", exact), ("sku", bare)):
            variant = next((row for row in rows if getattr(row, attribute) == name), None)
            if variant is not None:
                found[reference] = variant
                break
        else:
            raise NotFound(
                f"No variant '{clean(exact, 60)}' was found.",
                hint="Use a sku or variant id; search_products shows what exists.",
                field=field,
            )
    return found


@dataclass
class UnitPool:
    """The units of an order that may still be taken. `free` says how many per line id, `why` what limits them."""

    order: Order
    lines: Sequence[OrderLine]
    variants: Mapping[str, Variant]
    free: dict[str, int]
    why: str
    argument: str = "lines"
    taken: list[Taken] = field(default_factory=list)

    def take(self, index: int, wanted: UnitsOf) -> list[Taken]:
        """Take the entry's units. Raises InvalidArgument, NotFound or StateConflict with the numbers."""
        candidates = self.named(index, wanted)
        left, taken = wanted.quantity, []
        for line in candidates:
            share = min(left, self.free[line.id])
            if share > 0:
                self.free[line.id] -= share
                left -= share
                taken.append(Taken(index, line, share))
        if left:
            sample = candidates[0]
            have = wanted.quantity - left
            amounts = [units_text(count, sample.quantity_scale, sample.unit) for count in (have, wanted.quantity)]
            named = {line.id for line in candidates}
            before = any(one.line.id in named for one in self.taken)
            why = "entries before this one name the same units" if before else self.why
            raise StateConflict(
                f"Only {amounts[0]} of {amounts[1]} units of {sample.sku} can be taken from {label_of(self.order)}: "
                f"{why}.",
                hint="Read the order and ask for at most the units it has.",
                field=f"{self.argument}.{index}",
                details={"sku": sample.sku, "available": have, "wanted": wanted.quantity},
            )
        self.taken += taken
        return taken

    def named(self, index: int, wanted: UnitsOf) -> list[OrderLine]:
        """The lines that an entry names. Raises InvalidArgument or NotFound where it names none."""
        place = f"{self.argument}.{index}"
        if (wanted.line is None) == (wanted.variant is None):
            raise InvalidArgument(
                "Each entry names either a line or a variant of the order.",
                hint='Write {"line": 1} or {"variant": "SKU-1"}, not both.',
                field=place,
            )
        if wanted.variant is not None:
            variant_id = self.variants[wanted.variant].id
            found = [line for line in self.lines if line.variant_id == variant_id]
        else:
            found = [line for line in self.lines if line.position == wanted.line]
        if not found:
            name = f"line {wanted.line}" if wanted.variant is None else f"variant '{clean(wanted.variant, 60)}'"
            known = ", ".join(f"{line.position}: {line.sku}" for line in self.lines[:10])
            raise NotFound(
                f"The {label_of(self.order)} has no {name}.", hint=f"Its lines: {known or 'none'}.", field=place
            )
        return found


def named_variants(entries: Iterable[UnitsOf]) -> set[str]:
    """Every variant that the entries name."""
    names: set[str] = set()
    for entry in entries:
        names |= {name for name in (entry.variant, getattr(entry, "new_variant", None)) if name is not None}
    return names


def share_of(total_minor: int, quantity: int, whole: int, before: int = 0) -> int:
    """What `quantity` of `whole` units are worth of a total, after `before` of them: shares always add up to it."""
    if whole <= 0:
        return 0
    return _rounded(total_minor * (before + quantity), whole) - _rounded(total_minor * before, whole)


def price_of(unit_price_minor: int, quantity: int, quantity_scale: int) -> int:
    """The price of a quantity in units of 10^-scale, rounded half up."""
    return _rounded(unit_price_minor * quantity, 10**quantity_scale)


def _rounded(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
