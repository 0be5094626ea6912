"""Editing the items of an order before it is packed, with the difference settled in the same transaction."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.flows.changes.change_payment import ChangeReason
from tradepost.commerce.flows.changes.item_changes import ItemPlan, reprice, require_no_refund
from tradepost.commerce.flows.settling.order_stock import give_back, lock_order_levels, promise, variants_of
from tradepost.commerce.flows.settling.order_units import (
    MAX_POSITION,
    MAX_UNITS,
    TERSE,
    Quantity,
    Swap,
    UnitPool,
    VariantReference,
    find_variants,
    named_variants,
    order_lines,
)
from tradepost.commerce.flows.settling.sellable import available_units, require_sellable
from tradepost.commerce.flows.settling.settlement import Settlement, open_settlement
from tradepost.commerce.orders.changed import ChangedOrder, OrderReference, changed_order
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import EditAction, OrderRules, load_rules
from tradepost.commerce.orders.states import require_not_locked, require_not_packed
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.money import MoneyView, display, money

MAX_ENTRIES = 20


class NewUnits(BaseModel):
    """A variant to put in."""

    model_config = TERSE

    variant: VariantReference
    quantity: Quantity = 1


class LineQuantity(BaseModel):
    """The quantity a line is to have."""

    model_config = TERSE

    line: int = Field(ge=1, le=MAX_POSITION)
    quantity: int = Field(ge=0, le=MAX_UNITS)


Exchange = Annotated[
    list[Swap],
    Field(
        max_length=MAX_ENTRIES,
        description="Units to swap, by line or variant.",
        examples=[[{"line": 1, "new_variant": "SKU-2"}]],
    ),
]
Add = Annotated[
    list[NewUnits],
    Field(max_length=MAX_ENTRIES, description="To add.", examples=[[{"variant": "SKU-3"}]]),
]
SetQuantity = Annotated[
    list[LineQuantity],
    Field(
        max_length=MAX_ENTRIES,
        description="New quantity; 0 removes.",
        examples=[[{"line": 1, "quantity": 3}]],
    ),
]
DifferenceMethod = Annotated[
    str | None,
    Field(
        max_length=200,
        description="Settles a paid order's difference.",
        examples=["pm_1001"],
    ),
]


class EditedLine(TypedDict):
    """A line after the edit."""

    line: int
    sku: str
    name: str
    quantity: int
    unit_price: MoneyView
    total: MoneyView


class EditedOrder(TypedDict):
    """An order after its items were edited; `difference` is what the total rose by, `settled` what moved."""

    order: ChangedOrder
    lines: list[EditedLine]
    difference: MoneyView
    settled: MoneyView
    item_edits: int


@write_tool(title="Edit order items", scope="write:orders", money=True, open_world=True)
async def edit_order_items(
    store: Store,
    order_id: OrderReference,
    reason: ChangeReason,
    exchange: Exchange = [],  # noqa: B006 - never changed; the schema shows that it may be left out
    add: Add = [],  # noqa: B006
    set_quantity: SetQuantity = [],  # noqa: B006
    payment_method_id: DifferenceMethod = None,
) -> Answer[EditedOrder]:
    """Change the items of an order that is not packed: exchange variants, add some, set or remove quantities. Collect
    all changes in one call; many shops allow one edit per order and nothing after it. Not for delivered goods
    (create_exchange) or a whole order (cancel_order). dry_run shows the price. Moves stock, and charges or refunds the
    difference of a paid order to payment_method_id. Returns lines, difference and the order."""
    order = await store.primary(Order, order_id, field="order_id")
    lines = await order_lines(store, order, lock=True)
    rules = await load_rules(store)
    require_not_packed(order, lines, "The items")
    actions: list[tuple[EditAction, Sequence[object]]] = [
        ("exchange", exchange),
        ("add", add),
        ("remove", [wish for wish in set_quantity if wish.quantity == 0]),
        ("set_quantity", [wish for wish in set_quantity if wish.quantity > 0]),
    ]
    _require_allowed(order, rules, actions)
    named = named_variants(exchange) | {entry.variant for entry in add}
    variants = await find_variants(store, named, "exchange" if exchange else "add")
    own = await variants_of(store, lines)
    pool = UnitPool(
        order, lines, variants, {line.id: line.quantity for line in lines}, "the order has no more", "exchange"
    )
    plan = ItemPlan(order, pool, await _product_names(store, [*variants.values(), *own.values()]))
    for index, swap in enumerate(exchange):
        plan.swap(index, swap, rules)
    for index, wish in enumerate(set_quantity):
        plan.set_quantity(index, wish.line, wish.quantity, own)
    for new in add:
        plan.add(variants[new.variant], new.quantity)
    await _require_possible(store, plan)
    settlement = await open_settlement(store, order)

    before = order.total_minor
    left, difference = await _apply(store, plan, own)
    settled = await _settle(settlement, before, difference, payment_method_id)
    order.item_edits += 1
    store.emit("order:items_edited", order, reason=reason, difference_minor=difference, settled_minor=settled)
    store.means(f"Changes the items of order #{order.number}. {_price_sentence(order, difference, settled)}")
    data: EditedOrder = {
        "order": await changed_order(store, order),
        "lines": [_line_view(line, order.currency) for line in left],
        "difference": money(difference, order.currency),
        "settled": money(settled, order.currency),
        "item_edits": order.item_edits,
    }
    return Answer(data, f"The items of order {order.number} are changed. {_price_sentence(order, difference, settled)}")


def _require_allowed(order: Order, rules: OrderRules, actions: list[tuple[EditAction, Sequence[object]]]) -> None:
    asked = [name for name, entries in actions if entries]
    if not asked:
        raise InvalidArgument(
            "Nothing to change was given.", hint="Give at least one of exchange, add and set_quantity."
        )
    require_not_locked(order, rules)
    most = rules.max_item_edits()
    if most is not None and order.item_edits >= most:
        raise StateConflict(
            f"The items of order {order.number} were edited {order.item_edits} time(s); "
            f"the shop's policy allows {most}.",
            hint="Explain the policy; a person of the shop has to decide anything else.",
            details=rules.cited("max_item_edits"),
        )
    allowed = rules.item_edit_actions()
    for name in asked:
        if name not in allowed:
            raise StateConflict(
                f"The shop's policy does not allow '{name}' in an order; it allows {', '.join(allowed) or 'nothing'}.",
                hint="Cancel the order and place a new one, or ask a person of the shop.",
                field=name,
                details=rules.cited("item_edit_actions"),
            )


async def _require_possible(store: Store, plan: ItemPlan) -> None:
    order = plan.order
    require_no_refund(plan.touched)
    available = await available_units(store, order, plan.wanted.values())
    for variant_id, variant in plan.wanted.items():
        require_sellable(order, variant, max(plan.needed[variant_id], 0), available, f"variant {variant.sku}")
        if not variant.tracks_stock and available[variant_id] == 0:
            raise StateConflict(
                f"The variant {variant.sku} is not available.",
                hint="Choose another variant; get_product lists them.",
                details={"sku": variant.sku},
            )
    if plan.units_left == 0:
        raise StateConflict(
            f"The edit would leave order {order.number} without any item.", hint="Use cancel_order to end the order."
        )


async def _apply(store: Store, plan: ItemPlan, own: dict[str, Variant]) -> tuple[list[OrderLine], int]:
    """Change lines, sums and stock; gives the lines that are left and the change of the order's total."""
    order = plan.order
    involved = {**own, **plan.wanted}
    levels = await lock_order_levels(store, order, involved.values())
    for variant_id in sorted(plan.needed):
        units, variant = plan.needed[variant_id], involved[variant_id]
        if units > 0:
            promise(store, order, levels, variant.sku, units, why="items edited")
        elif units < 0:
            give_back(store, order, levels, variant.sku, -units, sellable=True, why="items edited")
    last = select(func.max(OrderLine.position)).where(OrderLine.order_id == order.id)
    first_free = int((await store.session.execute(last)).scalar_one() or 0) + 1
    before = sum(line.total_minor for line in plan.pool.lines)
    left = plan.apply(store, first_free)
    return left, reprice(order, sum(line.total_minor for line in left) - before)


async def _settle(settlement: Settlement, old_total: int, difference: int, reference: str | None) -> int:
    """Charge (positive) or refund (negative) what the edit moves, and say how much that was. An order that is not paid
    yet is settled when it is."""
    # An edit without a difference leaves a zero entry on the method that was named: the book shows that it was settled.
    order = settlement.order
    kept = order.captured_minor - order.refunded_minor
    method = settlement.method(reference) if reference is not None else None
    paid = order.captured_minor > 0 and kept >= old_total
    if paid:
        due = difference
    else:
        due = min(order.total_minor - kept, 0) if order.captured_minor else 0
    if due and method is None:
        verb = "charged" if due > 0 else "refunded"
        raise InvalidArgument(
            f"{display(abs(due), order.currency)} have to be {verb}: payment_method_id is missing.",
            hint="Ask the customer which of their payment methods to use; get_customer lists them.",
            field="payment_method_id",
        )
    if order.captured_minor:
        settlement.restate()
    if method is None or not (due or paid):
        return 0
    await settlement.lock_balances(method.id)
    if due > 0:
        await settlement.charge(due, method)
    else:
        await settlement.refund(-due, "items_edited", method=method)
    return due


async def _product_names(store: Store, variants: list[Variant]) -> dict[str, str]:
    wanted = sorted({variant.product_id for variant in variants})
    rows = await store.session.execute(select(Product.id, Product.name).where(Product.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def _line_view(line: OrderLine, currency: str) -> EditedLine:
    return {
        "line": line.position,
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": money(line.unit_price_minor, currency),
        "total": money(line.total_minor, currency),
    }


def _price_sentence(order: Order, difference: int, settled: int) -> str:
    total = f"The total is now {display(order.total_minor, order.currency)}"
    if difference == 0:
        return f"{total}, as before."
    moved = f"{display(abs(difference), order.currency)} {'more' if difference > 0 else 'less'}"
    if settled == 0:
        return f"{total}, {moved}; the order is not fully paid yet, so nothing was charged or refunded."
    return f"{total}, {moved}; {display(abs(settled), order.currency)} were {'charged' if settled > 0 else 'refunded'}."


TOOLS = (edit_order_items,)
