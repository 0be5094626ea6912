"""What arrived of a purchase order, put on its lines: never more than was ordered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.stock.stock_lines import require_once
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine
from tradepost.foundation.errors import InvalidArgument, LimitExceeded, NotFound
from tradepost.foundation.untrusted import clean

_Units = Annotated[int, Field(ge=0, le=1_000_000)]


class ReceivedLine(TypedDict):
    """Units of a SKU that arrived, in 10^-quantity_scale units for measured goods."""

    sku: Annotated[str, Field(min_length=1, max_length=200, description="SKU.", examples=["SKU-1"])]
    received: Annotated[_Units, Field(description="Good units.", examples=[28])]
    rejected: NotRequired[Annotated[_Units, Field(description="Refused units.", examples=[2])]]
    reason: NotRequired[Annotated[str, Field(max_length=200, description="Why refused.", examples=["crushed"])]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Units of one line that arrived."""

    line: PurchaseOrderLine
    received: int
    rejected: int
    reason: str | None


def allot(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine], arrived: Sequence[ReceivedLine]) -> list[Receipt]:
    """The arrived units on the order's lines, first line first where a SKU stands on several. Raises NotFound for a SKU
    that was not ordered and LimitExceeded, with the numbers, for more than is outstanding."""
    wanted = [(entry["sku"].strip().removeprefix("sku:"), entry) for entry in arrived]
    require_once(sku for sku, _ in wanted)
    found: list[Receipt] = []
    for index, (sku, entry) in enumerate(wanted):
        received, rejected = entry["received"], entry.get("rejected", 0)
        reason = clean(entry["reason"], 200) if entry.get("reason") else None
        mine = [line for line in lines if sku in (line.sku, line.variant_id)]
        _require_sense(order, lines, mine, entry, index)
        for line in mine:
            room = line.ordered - line.received - line.rejected
            good = min(received, room)
            bad = min(rejected, room - good)
            received, rejected = received - good, rejected - bad
            if good or bad:
                found.append(Receipt(line, good, bad, reason if bad else None))
    return found


def all_outstanding(lines: Sequence[PurchaseOrderLine]) -> list[Receipt]:
    """Every unit that is still to come, in good order."""
    rooms = [(line, line.ordered - line.received - line.rejected) for line in lines]
    return [Receipt(line, room, 0, None) for line, room in rooms if room > 0]


def _require_sense(
    order: PurchaseOrder,
    lines: Sequence[PurchaseOrderLine],
    mine: Sequence[PurchaseOrderLine],
    entry: ReceivedLine,
    index: int,
) -> None:
    place, sku = f"lines.{index}", clean(entry["sku"], 60)
    received, rejected = entry["received"], entry.get("rejected", 0)
    if not mine:
        raise NotFound(
            f"{order.number} has no line for {sku}.",
            hint=f"Its lines: {', '.join(line.sku for line in lines[:10])}. Goods not ordered are an overage.",
            field=place,
        )
    if received + rejected == 0:
        raise InvalidArgument(f"No units of {sku} arrived.", hint="Leave the line out.", field=place)
    if entry.get("reason") and not rejected:
        raise InvalidArgument(f"{sku}: a reason is for rejected units, and none are.", field=place)
    ordered = sum(line.ordered for line in mine)
    before = sum(line.received + line.rejected for line in mine)
    if received + rejected > ordered - before:
        raise LimitExceeded(
            f"{received + rejected} units of {sku} are more than {order.number} awaits: {ordered} ordered, "
            f"{before} came before, {ordered - before} outstanding.",
            hint="Book at most what is outstanding; the rest is an overage (open_claim with type overage).",
            field=place,
            details={"ordered": ordered, "before": before, "outstanding": ordered - before},
        )
