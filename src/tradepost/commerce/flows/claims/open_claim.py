"""Opening a claim: what went wrong with which goods, what it costs, who is liable, and until when it must be filed."""

from typing import Annotated

from pydantic import Field
from sqlalchemy import select

from tradepost.commerce.claims.models import Claim, ClaimType, Liability
from tradepost.commerce.claims.states import OPEN
from tradepost.commerce.flows.claims.claim_result import ClaimResult, claim_result
from tradepost.commerce.flows.claims.subject import Subject, find_subject
from tradepost.commerce.flows.settling.order_units import MAX_LINES, UnitsOf
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.periods import days_text
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, LimitExceeded, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import display
from tradepost.foundation.untrusted import clean

Kind = Annotated[ClaimType, Field(description="What is wrong.", examples=["damage"])]
OrderRef = Annotated[str | None, Field(max_length=200, description="Order id or number.", examples=["ORD-1001"])]
ShipmentRef = Annotated[
    str | None, Field(max_length=200, description="Or the parcel: id or number.", examples=["SHP-1"])
]
PurchaseOrderRef = Annotated[
    str | None, Field(max_length=200, description="Or the purchase order.", examples=["PO-1001"])
]
Lines = Annotated[
    list[UnitsOf] | None,
    Field(
        min_length=1,
        max_length=MAX_LINES,
        description="By line or variant; left out: all of an order, what is missing of a purchase order.",
        examples=[[{"line": 1, "quantity": 1}]],
    ),
]
Amount = Annotated[
    int | None,
    Field(ge=1, le=10**11, description="In minor units; left out: the goods' price.", examples=[2490]),
]
Guess = Annotated[Liability, Field(description="Who seems liable.", examples=["carrier"])]
Words = Annotated[str | None, Field(max_length=2000, description="What happened.", examples=["Box was crushed"])]


@write_tool(title="Open claim", scope="write:claims")
async def open_claim(
    store: Store,
    type: Kind,
    order_id: OrderRef = None,
    shipment_id: ShipmentRef = None,
    purchase_order_id: PurchaseOrderRef = None,
    lines: Lines = None,
    amount_minor: Amount = None,
    liability: Guess = "undetermined",
    description: Words = None,
) -> Answer[ClaimResult]:
    """Open a claim for goods that came damaged, late, short, wrong or not at all. Use when it is clear which goods are
    affected; first look for one with search_claims. order_id: the customer's claim against us, submitted at once;
    shipment_id or purchase_order_id: ours against carrier or supplier, a draft until file_carrier_claim. Not to send
    goods back (submit_return) or to pay (initiate_refund). Moves no money and tells nobody. Returns the claim with
    amount, filing deadline and the evidence that is missing."""
    subject = await find_subject(store, type, order_id, shipment_id, purchase_order_id, lines)
    _require_sense(subject, type, amount_minor)
    await _require_first(store, subject, type)
    against_us = order_id is not None
    claim = store.add(
        Claim(
            id=new_id(Claim.prefix),
            number=await store.next_number("CLM-"),
            type=type,
            side="customer_claim" if against_us else "carrier_claim",
            status="submitted" if against_us else "draft",
            liability=liability if subject.purchase_order is None or liability != "undetermined" else "supplier",
            order_id=subject.order.id if subject.order is not None else None,
            shipment_id=subject.shipment.id if subject.shipment is not None else None,
            purchase_order_id=subject.purchase_order.id if subject.purchase_order is not None else None,
            carrier_id=subject.carrier.id if subject.carrier is not None else None,
            customer_id=subject.order.customer_id if subject.order is not None else None,
            currency=subject.currency,
            claimed_minor=amount_minor if amount_minor is not None else subject.worth_minor,
            opened_at=store.now,
            file_by=None if against_us else subject.file_by(type, store.now),
            description=clean(description, 2000) if description else None,
            lines=subject.lines,
        )
    )
    await store.session.flush()
    store.emit("claim:opened", claim, claim_type=type, about=subject.called(), claimed_minor=claim.claimed_minor)
    view = await claim_result(store, claim)
    return Answer(view, _sentence(claim, view))


def _require_sense(subject: Subject, claim_type: str, amount_minor: int | None) -> None:
    worth = subject.worth_minor
    if not subject.lines:
        raise InvalidArgument(
            f"{subject.called().capitalize()} has nothing missing to claim.",
            hint="Name the goods in lines.",
            field="lines",
        )
    if amount_minor is not None and amount_minor > worth:
        raise LimitExceeded(
            f"{display(amount_minor, subject.currency)} are more than the goods cost: "
            f"{display(worth, subject.currency)}.",
            hint="Claim at most their price, or name all affected goods in lines.",
            field="amount_minor",
            details={"worth_minor": worth, "wanted_minor": amount_minor},
        )
    if subject.purchase_order is not None and claim_type in ("misdelivery", "loss", "delay"):
        raise InvalidArgument(
            f"A purchase order has no {claim_type} claim here.",
            hint="Use shortage, overage, damage, concealed_damage, wrong_item or defect.",
            field="type",
        )


async def _require_first(store: Store, subject: Subject, claim_type: str) -> None:
    """Refuse a second open claim of the type on the same goods."""
    statement = select(Claim).where(Claim.type == claim_type, Claim.status.in_(OPEN))
    if subject.purchase_order is not None:
        statement = statement.where(Claim.purchase_order_id == subject.purchase_order.id)
    elif subject.order is not None:
        statement = statement.where(Claim.order_id == subject.order.id)
    wanted = {line["sku"] for line in subject.lines}
    for other in await store.all(statement.order_by(Claim.opened_at, Claim.id)):
        both = sorted(wanted & {str(line.get("sku")) for line in other.lines})
        if both or not other.lines:
            raise StateConflict(
                f"{other.number} is an open {claim_type} claim on {subject.called()} already ({other.status}).",
                hint="Add what is new to it: add_claim_evidence.",
                details={"claim": other.number, "skus": both},
            )


def _sentence(claim: Claim, view: ClaimResult) -> str:
    said = f"{claim.number}: {claim.type} claim on {view['about']} over {view['claimed']['display']} is {claim.status}."
    if view["days_left"] is not None:
        said += f" File it by {view['file_by']} ({days_text(view['days_left'])} left)."
    if view["evidence_missing"]:
        said += f" It needs evidence: {' or '.join(view['evidence_missing'])}."
    return said


TOOLS = (open_claim,)
