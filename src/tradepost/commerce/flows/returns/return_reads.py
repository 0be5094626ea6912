"""Finding returns and reading one: what a returns desk works through."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from tradepost.commerce.flows.names import find_called, find_customer
from tradepost.commerce.flows.returns.return_filters import WantedReturns, matching_returns
from tradepost.commerce.flows.returns.return_views import ReturnView, return_views, within_window
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.orders.models import Order
from tradepost.commerce.returns.models import Resolution, Return, ReturnReason, ReturnStatus
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.serving.watching import the
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, found_sentence, page
from tradepost.commerce.store.periods import days_text
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument

SHOWN = 5  # returns named in the text

RmaReference = Annotated[
    str, Field(min_length=1, max_length=200, description="RMA number or return id.", examples=["RMA-1"])
]
ReadDetail = Annotated[
    Literal["standard", "full"], Field(description="full adds the customer's own words.", examples=["standard"])
]
AgeDays = Annotated[int | None, Field(ge=0, le=3650, description="Days since it was asked for.", examples=[3])]


@read_tool(title="Search returns", scope="read:returns")
async def search_returns(
    store: Store,
    status: Annotated[ReturnStatus | None, Field(description="State.", examples=["requested"])] = None,
    reason: Annotated[ReturnReason | None, Field(description="Reason of a line.", examples=["defective"])] = None,
    resolution: Annotated[Resolution | None, Field(description="Wanted outcome.", examples=["refund"])] = None,
    warehouse_id: Annotated[
        str | None, Field(max_length=200, description="Receiving warehouse: id, code or name.", examples=["WH-1"])
    ] = None,
    order_id: Annotated[str | None, Field(max_length=200, description="Order id or number.", examples=["1001"])] = None,
    customer_id: Annotated[
        str | None, Field(max_length=99, description="Customer: id, number or name.", examples=["C-1"])
    ] = None,
    sku: Annotated[str | None, Field(max_length=200, description="SKU of a line.", examples=["SKU-1"])] = None,
    min_age_days: AgeDays = None,
    max_age_days: AgeDays = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[ReturnView]]:
    """Find returns (RMAs), the newest first. Use for the queue of a warehouse, for old requests nobody answered, or to
    see why a SKU comes back. Not for one known RMA (get_return) or for what may be returned (check_return_eligibility).
    Reads only. Returns per return its state, order, lines with reasons, window and fee; customers' own words only with
    detail=full."""
    if min_age_days is not None and max_age_days is not None and min_age_days > max_age_days:
        raise InvalidArgument(
            f"min_age_days {min_age_days} is more than max_age_days {max_age_days}.", field="min_age_days"
        )
    held: dict[Any, str | None] = {Return.status: status, Return.resolution: resolution}
    if warehouse_id is not None:
        held[Return.location_id] = (await find_called(store, Location, warehouse_id, field="warehouse_id")).id
    wanted = WantedReturns(
        {column: value for column, value in held.items() if value is not None},
        None if order_id is None else (await store.find(Order, order_id, field="order_id")).id,
        None if customer_id is None else (await find_customer(store, customer_id)).id,
        reason,
        None if sku is None else sku.strip().removeprefix("sku:"),
        None if max_age_days is None else store.now - timedelta(days=max_age_days + 1),
        None if min_age_days is None else store.now - timedelta(days=min_age_days),
    )
    statement, lines = matching_returns(wanted)

    async def view(rows: Sequence[Return]) -> list[ReturnView]:
        return await return_views(store, rows, detail) if rows else []

    found = await page(
        store,
        "returns",
        statement,
        [Return.requested_at, Return.id],
        view,
        limit=limit,
        cursor=cursor,
        descending=True,
        fields=fields,
        counted=lines,
        parts=None if lines is None else (lines,),
    )
    return Answer(found, _found_text(found))


@read_tool(title="Get return", scope="read:returns")
async def get_return(store: Store, rma: RmaReference, detail: ReadDetail = "standard") -> Answer[ReturnView]:
    """Read one return (RMA): state, lines with reasons and condition, return window, fee, wanted outcome, where money
    goes and which steps come next. Use before deciding on a return or when somebody asks about an RMA. Not to look for
    returns (search_returns). Reads only. The customer's own words come with detail=full, marked as untrusted."""
    row = await store.find(Return, rma, field="rma")
    (view,) = await return_views(store, [row], detail)
    lines = ", ".join(f"{line['quantity']} x {line['sku']} ({line['reason']})" for line in view["lines"][:5])
    text = (
        f"{row.number}: {row.status}, wanted {row.resolution}, order {view['order_number']}; {lines or 'no lines'}. "
        f"{_window_words(row, view)}"
    )
    return Answer(view, text)


@resource(
    "return://{rma}",
    title="Return",
    description="A return (RMA) with its lines, window, fee and next steps.",
    scope="read:returns",
    record=the(Return),
)
async def return_(store: Store, rma: str) -> ReturnView:
    """The same view as get_return."""
    return (await get_return.function(store, rma)).data  # type: ignore[no-any-return]


def _window_words(row: Return, view: ReturnView) -> str:
    if row.window_ends_at is None:
        return "No return window applies."
    inside = "inside" if within_window(row) else "outside"
    return f"Asked for {inside} the return window (ends {view['window_ends']})."


def _found_text(found: Page[ReturnView]) -> str:
    head = found_sentence(found, "returns", "No returns found for these filters.", named=SHOWN)
    first = [
        f"{item['rma']} {item['status']} (order {item['order_number']}, {days_text(item['age_days'])})"
        for item in found["items"][:SHOWN]
        if {"rma", "status", "order_number", "age_days"} <= item.keys()
    ]
    return f"{head} {'; '.join(first)}." if first else head


TOOLS = (search_returns, get_return)
RESOURCES = (return_,)
