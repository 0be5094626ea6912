"""Asking for an exchange: delivered units come back, other variants go out, the difference is settled later."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.returns.return_request import (
    ReturnUnits,
    WantedUnits,
    add_return,
    judge_wanted,
    units_words,
)
from tradepost.commerce.flows.settling.order_units import (
    MAX_LINES,
    Taken,
    UnitPool,
    VariantReference,
    find_variants,
    named_variants,
    order_lines,
    price_of,
    share_of,
)
from tradepost.commerce.flows.settling.sellable import available_units, require_sellable, require_swap
from tradepost.commerce.flows.settling.settlement import customer_methods, method_words, pick_method, require_balance
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import OrderRules, load_rules
from tradepost.commerce.returns.models import ExchangeLine, Return, ReturnLine
from tradepost.commerce.returns.states import RETURN_TRANSITIONS
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import not_in_this_state
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import MoneyView, display, money


class ExchangeUnits(ReturnUnits):
    """Units to send back, why, and the variant wanted instead."""

    new_variant: VariantReference


Lines = Annotated[
    list[ExchangeUnits] | None,
    Field(
        min_length=1,
        max_length=MAX_LINES,
        description="Units to send back, by line position or variant, and the new variant; left out: replace all.",
        examples=[[{"line": 1, "new_variant": "SKU-2", "reason": "size_too_small"}]],
    ),
]
OrderOrNone = Annotated[
    str | None, Field(max_length=200, description="Order id or number; or rma.", examples=["ORD-1001"])
]
RmaOrNone = Annotated[
    str | None,
    Field(max_length=200, description="An open return to turn into an exchange; or order_id.", examples=["RMA-1"]),
]
DifferenceMethod = Annotated[
    str | None,
    Field(
        max_length=200,
        description="The customer's payment method for the price difference; needed unless there is none.",
        examples=["pm_1001"],
    ),
]


class ExchangePair(TypedDict):
    """Units out of the customer's hands, and what they get for them."""

    sku: str
    new_sku: str
    quantity: int
    unit_price: MoneyView


class RequestedExchange(TypedDict):
    """An exchange that was asked for; a difference above zero is owed by the customer, below zero by the shop."""

    return_id: str
    rma: str
    version: int
    return_status: str
    order_number: str
    lines: list[ExchangePair]
    price_difference: MoneyView
    settled_by: str | None
    fee: MoneyView


@write_tool(title="Create exchange", scope="write:orders")
async def create_exchange(
    store: Store,
    order_id: OrderOrNone = None,
    rma: RmaOrNone = None,
    lines: Lines = None,
    payment_method_id: DifferenceMethod = None,
) -> Answer[RequestedExchange]:
    """Ask to exchange delivered items for other variants. Use when the customer wants another size or color; name all
    items in one call. Give order_id for a new exchange, or rma to turn an open return into one. Not before delivery
    (edit_order_items) and not for money back (submit_return). Records an RMA with the price difference at today's
    prices; no money and no stock move until it is decided. Returns RMA number, pairs and difference."""
    if (order_id is None) == (rma is None):
        raise InvalidArgument(
            "Give either order_id or rma.", hint="order_id starts an exchange; rma turns a return into one."
        )
    base = await _of_return(store, rma, lines) if rma is not None else await _of_order(store, str(order_id), lines)
    order, taken = base.order, base.taken
    news = [(one, base.variants[base.entries[one.index].new_variant]) for one in taken]
    await _require_possible(store, order, news, base.rules)
    difference = sum(price_of(new.price_minor, one.quantity, new.quantity_scale) - _paid(one) for one, new in news)
    method = await _settling_method(store, order, difference, payment_method_id)
    row, added = await base.to_return(store)
    row.resolution, row.refund_method_id = "exchange", None
    row.payment_method_id = method.id if method is not None else None
    row.price_difference_minor = difference
    _add_exchange_lines(store, row, added, news)
    await store.session.flush()
    store.emit("return:exchange_requested", row, order_id=order.id, price_difference_minor=difference)
    data: RequestedExchange = {
        "return_id": row.id,
        "rma": row.number,
        "version": row.version,
        "return_status": row.status,
        "order_number": order.number,
        "lines": [
            {
                "sku": one.line.sku,
                "new_sku": new.sku,
                "quantity": one.quantity,
                "unit_price": money(new.price_minor, order.currency),
            }
            for one, new in news
        ],
        "price_difference": money(difference, order.currency),
        "settled_by": method_words(method) if method is not None else None,
        "fee": money(row.fee_minor, order.currency),
    }
    return Answer(data, _sentence(row, order, taken, news, difference))


@dataclass(frozen=True)
class _Base:
    """What the exchange starts from: units of an order, or of a return that exists."""

    order: Order
    taken: list[Taken]
    variants: Mapping[str, Variant]
    rules: OrderRules
    entries: Sequence[ExchangeUnits]
    start: WantedUnits[ExchangeUnits] | tuple[Return, list[ReturnLine]]

    async def to_return(self, store: Store) -> tuple[Return, list[ReturnLine]]:
        """The return that becomes the exchange, a new one where there was none."""
        if isinstance(self.start, tuple):
            return self.start
        return await add_return(store, self.order, self.start, resolution="exchange")


async def _of_order(store: Store, order_id: str, lines: Sequence[ExchangeUnits] | None) -> _Base:
    order = await store.primary(Order, order_id, field="order_id")
    wanted = await judge_wanted(store, order, lines, _replacement)
    return _Base(order, wanted.taken, wanted.pool.variants, wanted.rules, wanted.entries, wanted)


def _replacement(line: OrderLine, units: int) -> ExchangeUnits:
    return ExchangeUnits(line=line.position, quantity=units, new_variant=line.variant_id)


async def _of_return(store: Store, rma: str, lines: Sequence[ExchangeUnits] | None) -> _Base:
    """The open return, and the exchanged units taken from its lines."""
    seen = await store.find(Return, rma, field="rma")
    order = await store.lock(Order, seen.order_id)
    row = await store.primary(Return, seen.id, field="rma")
    if row.status not in ("requested", "approved"):
        raise not_in_this_state(
            row,
            "and only a requested or approved one can become an exchange",
            RETURN_TRANSITIONS,
            hint="What came back is paid back with initiate_refund.",
        )
    if await store.one_or_none(select(ExchangeLine).where(ExchangeLine.return_id == row.id)) is not None:
        raise StateConflict(f"The return {row.number} is an exchange already.", hint="Read it with get_return.")
    back: Counter[str] = Counter()
    held = await _return_lines(store, row)
    for line in held:
        back[line.order_line_id] += line.quantity
    order_rows = [line for line in await order_lines(store, order) if back[line.id]]
    if lines is None:
        lines = [_replacement(line, back[line.id]) for line in order_rows]
    variants = await find_variants(store, named_variants(lines), "lines")
    pool = UnitPool(order, order_rows, variants, dict(back), f"the return {row.number} has no more")
    for index, entry in enumerate(lines):
        pool.take(index, entry)
    if any(pool.free.values()):
        left = ", ".join(line.sku for line in order_rows if pool.free[line.id])
        raise InvalidArgument(
            f"The return {row.number} also holds {left}: say what the customer wants for all of its units.",
            hint="Name every unit of the return, or submit a separate return for the rest.",
            field="lines",
        )
    return _Base(order, pool.taken, variants, await load_rules(store), lines, (row, held))


async def _return_lines(store: Store, row: Return) -> list[ReturnLine]:
    statement = select(ReturnLine).where(ReturnLine.return_id == row.id).order_by(ReturnLine.position)
    return list(await store.all(statement))


async def _require_possible(store: Store, order: Order, news: list[tuple[Taken, Variant]], rules: OrderRules) -> None:
    wanted: Counter[str] = Counter()
    for one, new in news:
        require_swap(one.line, new, rules, f"lines.{one.index}.new_variant", same_variant=rules.exchange_same_variant())
        wanted[new.id] += one.quantity
    available = await available_units(store, order, {new.id: new for _, new in news}.values())
    for one, new in news:
        require_sellable(order, new, wanted[new.id], available, f"lines.{one.index}.new_variant")


async def _settling_method(store: Store, order: Order, difference: int, reference: str | None) -> PaymentMethod | None:
    if reference is None:
        if difference:
            side = "the customer owes" if difference > 0 else "the shop owes"
            raise InvalidArgument(
                f"There is a difference of {display(abs(difference), order.currency)} that {side}: "
                "payment_method_id is missing.",
                hint="Ask the customer which of their payment methods to use; get_customer lists them.",
                field="payment_method_id",
            )
        return None
    method = pick_method(await customer_methods(store, order.customer_id), reference, "payment_method_id")
    require_balance(method, difference, "payment_method_id", store.now)
    return method


def _add_exchange_lines(store: Store, row: Return, lines: list[ReturnLine], news: list[tuple[Taken, Variant]]) -> None:
    """One line per pair, pointing at the return line whose unit it replaces."""
    back: dict[str, list[ReturnLine]] = defaultdict(list)
    for line in lines:
        back[line.order_line_id].append(line)
    for position, (one, new) in enumerate(news, start=1):
        held = back[one.line.id]
        store.add(
            ExchangeLine(
                id=new_id(ExchangeLine.prefix),
                return_id=row.id,
                position=position,
                return_line_id=(held.pop(0) if len(held) > 1 else held[0]).id,
                variant_id=new.id,
                sku=new.sku,
                quantity=one.quantity,
                unit_price_minor=new.price_minor,
            )
        )


def _paid(one: Taken) -> int:
    return share_of(one.line.total_minor, one.quantity, one.line.quantity)


def _sentence(row: Return, order: Order, taken: list[Taken], news: list[tuple[Taken, Variant]], difference: int) -> str:
    wanted = ", ".join(new.sku for _, new in news[:4])
    if difference > 0:
        money_words = f"The customer owes {display(difference, order.currency)}."
    elif difference < 0:
        money_words = f"The shop owes {display(-difference, order.currency)}."
    else:
        money_words = "There is no price difference."
    return (
        f"{row.number} requested for order {order.number}: {units_words(taken)} for {wanted}. {money_words} "
        "It waits for approval; no money moved."
    )


TOOLS = (create_exchange,)
