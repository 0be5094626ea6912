"""Saying yes to a return: the customer may send the goods."""

from typing import Annotated

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.returns.return_reads import RmaReference
from tradepost.commerce.flows.returns.return_views import within_window
from tradepost.commerce.flows.told import mail_goes_out
from tradepost.commerce.inventory.reservations import hold
from tradepost.commerce.inventory.stock import lock_levels
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import load_rules
from tradepost.commerce.returns.models import ExchangeLine, Resolution, Return, ReturnLine
from tradepost.commerce.returns.states import RETURN_TRANSITIONS
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import require_step, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.money import money
from tradepost.foundation.untrusted import clean

Label = Annotated[bool, Field(description="Buy a prepaid return label from the carrier and send it.", examples=[False])]
NewResolution = Annotated[
    Resolution | None,
    Field(description="Another outcome than the customer asked for; left out: as asked.", examples=["store_credit"]),
]
ExceptionReason = Annotated[
    str | None,
    Field(
        max_length=300,
        description="Why the shop makes an exception; required for a return outside its window.",
        examples=["Parcel was delayed by us"],
    ),
]
Notify = Annotated[bool, Field(description="Send the customer an e-mail.", examples=[False])]


class DecidedReturn(TypedDict):
    """A return after a decision."""

    return_id: str
    rma: str
    version: int
    return_status: str
    resolution: str
    order_number: str
    decided_at: str
    label: str | None
    within_window: bool
    allowed_next: list[str]


@write_tool(title="Approve return", scope="write:returns", open_world=True)
async def approve_return(
    store: Store,
    rma: RmaReference,
    label: Label = False,
    resolution: NewResolution = None,
    exception_reason: ExceptionReason = None,
    notify_customer: Notify = False,
) -> Answer[DecidedReturn]:
    """Approve a requested return, so that the customer may send the goods. Use after get_return, when the request fits
    the policy. Not to refuse (decline_return) and not to pay (initiate_refund, once the goods are received). Moves no
    money; for an exchange the wanted units are reserved (create_shipment with rma sends them). With label a prepaid
    label is bought from the carrier. A return outside its window needs
    exception_reason. Returns the new state, version and next steps."""
    seen = await store.find(Return, rma, field="rma")
    order = await store.lock(Order, seen.order_id)
    row = await store.primary(Return, seen.id, field="rma")
    require_step(row, "approved", RETURN_TRANSITIONS)
    await _require_policy(store, row, exception_reason)
    if resolution is not None and resolution != row.resolution:
        await _change_resolution(store, row, resolution)
    step(row, "approved", RETURN_TRANSITIONS)
    row.approved_at = store.now
    held = await _reserve(store, row, order) if row.resolution == "exchange" else []
    if label:
        row.label = {"kind": "prepaid", "status": "ordered"}
        store.side_effect("A prepaid return label is bought from the carrier and sent to the customer.")
        store.emit("return:label_ordered", row, order_id=order.id)
    if notify_customer:
        await mail_goes_out(store, row.customer_id, f"the approval of {row.number}")
    why = clean(exception_reason, 300) if exception_reason else None
    store.emit(
        "return:approved", row, order_id=order.id, label=label, exception_reason=why, notify_customer=notify_customer
    )
    await store.session.flush()
    text = f"{row.number} is approved for {row.resolution} (order {order.number})."
    if held:
        text += f" Set aside for it: {', '.join(held)}."
    text += " A prepaid label is on its way." if label else " No label was bought."
    known = {"amount": money(await _value_minor(store, row), row.currency), "customer_id": row.customer_id}
    return Answer(decided(row, order, store), text, known)


def decided(row: Return, order: Order, store: Store) -> DecidedReturn:
    """The return as a decision leaves it."""
    return {
        "return_id": row.id,
        "rma": row.number,
        "version": row.version,
        "return_status": row.status,
        "resolution": row.resolution,
        "order_number": order.number,
        "decided_at": to_rfc3339(store.now),
        "label": str(row.label["kind"]) if row.label else None,
        "within_window": within_window(row),
        "allowed_next": list(RETURN_TRANSITIONS.get(row.status, ())),
    }


async def _value_minor(store: Store, row: Return) -> int:
    """What the customer paid for the units of a return, in minor units of its currency, rounded up."""
    statement = (
        select(ReturnLine.quantity, OrderLine.quantity, OrderLine.total_minor)
        .join(
            OrderLine,
            (OrderLine.workspace_id == ReturnLine.workspace_id) & (OrderLine.id == ReturnLine.order_line_id),
        )
        .where(ReturnLine.return_id == row.id)
    )
    lines = await store.session.execute(statement)
    return sum(-(-total * units // sold) for units, sold, total in lines if sold)


async def _reserve(store: Store, row: Return, order: Order) -> list[str]:
    """Set the wanted units aside at the order's warehouse. Returns them in words. Raises StateConflict where the
    warehouse has too few."""
    statement = (
        select(ExchangeLine, Variant)
        .join(Variant, (Variant.workspace_id == ExchangeLine.workspace_id) & (Variant.id == ExchangeLine.variant_id))
        .where(ExchangeLine.return_id == row.id)
        .order_by(ExchangeLine.position)
    )
    wanted = [(line, variant) for line, variant in await store.session.execute(statement) if variant.tracks_stock]
    if order.warehouse_id is None or not wanted:
        return []
    levels = await lock_levels(store, [(variant.sku, order.warehouse_id) for _, variant in wanted])
    for line, variant in wanted:
        level = levels.get((variant.sku, order.warehouse_id))
        available = 0 if level is None else level.available
        if level is None or available < line.quantity:
            raise StateConflict(
                f"The order's warehouse has {available} units of {variant.sku} available; the exchange {row.number} "
                f"needs {line.quantity}.",
                hint="Transfer stock there first, agree on another variant, or decline it.",
                details={"sku": variant.sku, "available": available, "wanted": line.quantity},
            )
        why = f"exchange {row.number}"
        await hold(store, level, line.quantity, order_id=order.id, reference=order.number, expires_at=None, reason=why)
    return [f"{line.quantity} x {variant.sku}" for line, variant in wanted]


async def _require_policy(store: Store, row: Return, exception_reason: str | None) -> None:
    if within_window(row) or row.window_ends_at is None:
        if exception_reason:
            raise InvalidArgument(
                f"The return {row.number} is inside the policy, so it is no exception.",
                hint="Leave exception_reason out.",
                field="exception_reason",
            )
        return
    if not (exception_reason or "").strip():
        cited = (await load_rules(store)).cited("return_window_days")
        late = (row.requested_at - row.window_ends_at).days
        raise StateConflict(
            f"The return {row.number} was asked for {late} day(s) after its window closed at "
            f"{to_rfc3339(row.window_ends_at)}.",
            hint="Decline it with the policy's clause, or say in exception_reason why the shop makes an exception.",
            field="exception_reason",
            details=cited,
        )


async def _change_resolution(store: Store, row: Return, resolution: str) -> None:
    exchanged = await store.one_or_none(select(ExchangeLine).where(ExchangeLine.return_id == row.id))
    if resolution == "exchange" or exchanged is not None:
        raise InvalidArgument(
            f"The return {row.number} cannot change from {row.resolution} to {resolution} here: "
            "an exchange names its variants.",
            hint="Use create_exchange with this rma to name the new variants, or decline it and submit a new return.",
            field="resolution",
        )
    row.resolution = resolution


TOOLS = (approve_return,)
