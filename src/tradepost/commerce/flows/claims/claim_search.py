"""Reading claims with what they are about: order, shipment, purchase order, carrier, customer, evidence."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sqlalchemy import select

from tradepost.commerce.claims.models import Claim, ClaimEvidence, ClaimSide, ClaimStatus, ClaimType
from tradepost.commerce.claims.views import TO_FILE, ClaimView, claim_view
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.numbers import numbers_of
from tradepost.commerce.logistics.models import Carrier, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.purchasing.models import PurchaseOrder
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.store.listing import (
    Cursor,
    Detail,
    Fields,
    Limit,
    Page,
    TimeFilter,
    found_sentence,
    page,
    single_page,
)
from tradepost.commerce.store.periods import days_text
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.money import display

SHOWN = 5  # claims named in the text

ClaimRef = Annotated[str, Field(min_length=1, max_length=200, description="Claim id or number.", examples=["CLM-1001"])]


@read_tool(title="Search claims", scope="read:claims")
async def search_claims(
    store: Store,
    claim_id: Annotated[
        str | None,
        Field(max_length=200, description="One claim, id or number, with lines and evidence.", examples=["CLM-1001"]),
    ] = None,
    type: Annotated[ClaimType | None, Field(description="What went wrong.", examples=["damage"])] = None,
    status: Annotated[ClaimStatus | None, Field(description="Claim state.", examples=["draft"])] = None,
    side: Annotated[ClaimSide | None, Field(description="Who claims.", examples=["carrier_claim"])] = None,
    carrier: Annotated[
        str | None, Field(max_length=200, description="Carrier id, code or name.", examples=["fedex"])
    ] = None,
    order_id: Annotated[str | None, Field(max_length=200, description="Order id or number.", examples=["1001"])] = None,
    file_by_before: TimeFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[ClaimView]]:
    """Find claims for damaged, lost, short, late or wrong goods, of customers and against carriers. Use to see open
    claims and deadlines (file_by_before: those yet to be filed, soonest first; otherwise the newest first), or one
    claim with lines and evidence (claim_id alone). Not for returns (search_returns) or chargebacks (list_disputes).
    Reads only. Returns status, liability, amounts, order, shipment, carrier, filing deadline, and days left while it
    is not filed (negative: missed); detail=full adds the claimant's own text, marked untrusted."""
    filters = (type, status, side, carrier, order_id, file_by_before, cursor)
    if claim_id is not None:
        if any(value is not None for value in filters):
            raise InvalidArgument(
                "claim_id names one claim and cannot be combined with filters.",
                hint="Give claim_id alone, or leave it out and filter.",
                field="claim_id",
            )
        claim = await store.find(Claim, claim_id, field="claim_id")
        one: Page[ClaimView] = single_page(await claim_views(store, [claim], "full"), fields)
        return Answer(one, await _sentence(store, [claim]))
    statement = select(Claim)
    for column, value in ((Claim.type, type), (Claim.status, status), (Claim.side, side)):
        if value is not None:
            statement = statement.where(column == value)
    if carrier is not None:
        statement = statement.where(
            Claim.carrier_id == (await find_called(store, Carrier, carrier, field="carrier")).id
        )
    if order_id is not None:
        statement = statement.where(Claim.order_id == (await store.find(Order, order_id, field="order_id")).id)
    if file_by_before is not None:
        statement = statement.where(Claim.file_by < file_by_before)
        if status is None:
            statement = statement.where(Claim.status.in_(TO_FILE))
    shown: list[Claim] = []

    async def view(rows: Sequence[Claim]) -> list[ClaimView]:
        shown.extend(rows)
        return await claim_views(store, rows, detail)

    by_deadline = file_by_before is not None
    found = await page(
        store,
        "claims by deadline" if by_deadline else "claims",
        statement,
        [Claim.file_by if by_deadline else Claim.opened_at, Claim.id],
        view,
        limit=limit,
        cursor=cursor,
        descending=not by_deadline,
        fields=fields,
    )
    text = found_sentence(found, "claims", "No claims found with these filters.", named=SHOWN)
    return Answer(found, f"{text} {await _sentence(store, shown[:SHOWN])}".strip())


async def claim_views(store: Store, rows: Sequence[Claim], detail: Detail) -> list[ClaimView]:
    """Claims as callers see them, with all they point to loaded in one query per kind."""
    orders = await numbers_of(store, Order, (row.order_id for row in rows))
    carriers = await numbers_of(store, Carrier, (row.carrier_id for row in rows), by="code")
    shipments: dict[str | None, str] = {}
    purchases: dict[str | None, str] = {}
    customers: dict[str | None, str] = {}
    evidence: dict[str, list[ClaimEvidence]] = defaultdict(list)
    if detail != "summary" and rows:
        shipments = await numbers_of(store, Shipment, (row.shipment_id for row in rows))
        purchases = await numbers_of(store, PurchaseOrder, (row.purchase_order_id for row in rows))
        customers = await numbers_of(store, Customer, (row.customer_id for row in rows))
        pieces = select(ClaimEvidence).where(ClaimEvidence.claim_id.in_(sorted(row.id for row in rows)))
        for piece in await store.all(pieces.order_by(ClaimEvidence.created_at, ClaimEvidence.id)):
            evidence[piece.claim_id].append(piece)
    return [
        claim_view(
            store,
            row,
            {
                "order": orders.get(row.order_id),
                "shipment": shipments.get(row.shipment_id),
                "purchase_order": purchases.get(row.purchase_order_id),
                "carrier": carriers.get(row.carrier_id),
                "customer": customers.get(row.customer_id),
            },
            evidence[row.id],
            detail,
        )
        for row in rows
    ]


@resource(
    "claim://{id}",
    title="Claim",
    description="A claim by id or number with its lines, evidence and deadline.",
    scope="read:claims",
)
async def claim(store: Store, id: str) -> ClaimView:
    """The claim as search_claims shows it for a claim_id."""
    (view,) = await claim_views(store, [await store.find(Claim, id)], "full")
    return view


async def _sentence(store: Store, rows: Sequence[Claim]) -> str:
    views = await claim_views(store, rows, "summary")
    said = []
    for row, view in zip(rows, views, strict=True):
        about = f" on order {view['order_number']}" if view["order_number"] else ""
        deadline = ""
        if view["days_left"] is not None:
            deadline = f", file by {view['file_by']} ({days_text(view['days_left'])} left)"
        amount = display(row.claimed_minor, row.currency)
        said.append(f"{row.number}: {row.type} ({row.side}){about}, {row.status}, {amount} claimed{deadline}.")
    return " ".join(said)


TOOLS = (search_claims,)
RESOURCES = (claim,)
