"""Defending a payment: one answer to the customer's bank, with what the shop can prove."""

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.logistics.models import Carrier, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Dispute, DisputeEvidence, Payment
from tradepost.commerce.payments.states import DISPUTE_TRANSITIONS
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import require_step, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.untrusted import clean

MAX_STATEMENT = 4000

DisputeRef = Annotated[
    str, Field(min_length=1, max_length=200, description="Dispute id or number.", examples=["DSP-1001"])
]
Statement = Annotated[
    str,
    Field(
        min_length=20,
        max_length=MAX_STATEMENT,
        description="Why the charge is right, as the bank will read it.",
        examples=["Delivered on 3 March to the billing address; the photo shows the parcel at the door."],
    ),
]
Media = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=200)]] | None,
    Field(max_length=20, description="Ids of photos and papers to attach.", examples=[["med_1001"]]),
]


class ProvenParcel(TypedDict):
    """A parcel of the order as the bank is told of it."""

    shipment: str
    carrier: str | None
    tracking_number: str | None
    delivered_at: str | None
    proof: str | None


class SubmittedEvidence(TypedDict):
    """What was sent, and the dispute after it."""

    dispute_id: str
    dispute_number: str
    version: int
    dispute_state: str
    amount: MoneyView
    order_number: str
    payment_number: str
    due_by: str | None
    media: list[str]
    parcels: list[ProvenParcel]


@write_tool(title="Submit dispute evidence", scope="write:payments", destructive=True, open_world=True)
async def submit_dispute_evidence(
    store: Store,
    dispute_id: DisputeRef,
    reason: Statement,
    media: Media = None,
) -> Answer[SubmittedEvidence]:
    """Answer a chargeback or inquiry with the shop's evidence. Use once everything is at hand: list_disputes shows what
    is due, get_order and get_shipping_status what can be proven. Not to give in (initiate_refund). The bank takes one
    answer only: it cannot be changed or sent again. The order's parcels with tracking and proof of delivery are
    attached by themselves. Refused after the due date. Returns what was sent and the dispute, now under review."""
    dispute = await store.primary(Dispute, dispute_id, field="dispute_id")
    require_step(dispute, "under_review", DISPUTE_TRANSITIONS)
    if dispute.evidence_due_by is not None and dispute.evidence_due_by < store.now:
        raise StateConflict(
            f"Evidence for {dispute.number} was due by {to_rfc3339(dispute.evidence_due_by)}.",
            hint="The bank takes no more; the dispute will be lost.",
            details={"evidence_due_by": to_rfc3339(dispute.evidence_due_by)},
        )
    order = await store.find(Order, dispute.order_id)
    payment = await store.find(Payment, dispute.payment_id)
    parcels = await _parcels(store, order)
    attached = [clean(one, 200) for one in dict.fromkeys(media or ())]
    store.add(
        DisputeEvidence(
            id=new_id(DisputeEvidence.prefix),
            dispute_id=dispute.id,
            statement=clean(reason, MAX_STATEMENT),
            media=attached,
            proof=await _proof(store, order, parcels),
            submitted_at=store.now,
        )
    )
    step(dispute, "under_review", DISPUTE_TRANSITIONS)
    await store.session.flush()
    store.emit("dispute:evidence_submitted", dispute, order_id=order.id, media=len(attached), parcels=len(parcels))
    store.side_effect(f"The evidence for {dispute.number} goes to the customer's bank. It cannot be taken back.")
    data: SubmittedEvidence = {
        "dispute_id": dispute.id,
        "dispute_number": dispute.number,
        "version": dispute.version,
        "dispute_state": dispute.status,
        "amount": money(dispute.amount_minor, dispute.currency),
        "order_number": order.number,
        "payment_number": payment.number,
        "due_by": to_rfc3339(dispute.evidence_due_by) if dispute.evidence_due_by else None,
        "media": attached,
        "parcels": parcels,
    }
    delivered = sum(1 for parcel in parcels if parcel["delivered_at"])
    return Answer(
        data,
        f"Evidence for {dispute.number} ({data['amount']['display']}, order {order.number}) is submitted with "
        f"{len(attached)} media and {delivered} of {len(parcels)} parcels proven delivered. It is under review.",
    )


async def _parcels(store: Store, order: Order) -> list[ProvenParcel]:
    statement = (
        select(Shipment, Carrier.name)
        .outerjoin(Carrier, (Carrier.workspace_id == Shipment.workspace_id) & (Carrier.id == Shipment.carrier_id))
        .where(Shipment.order_id == order.id)
        .order_by(Shipment.position, Shipment.id)
    )
    return [
        {
            "shipment": row.number,
            "carrier": clean(carrier, 60) if carrier else None,
            "tracking_number": row.tracking_number,
            "delivered_at": to_rfc3339(row.delivered_at) if row.delivered_at else None,
            "proof": str(row.proof_of_delivery.get("kind")) if row.proof_of_delivery else None,
        }
        for row, carrier in await store.session.execute(statement)
    ]


async def _proof(store: Store, order: Order, parcels: list[ProvenParcel]) -> dict[str, Any]:
    """What the bank is given beside the statement: who bought, when, and where it went."""
    customer = await store.find(Customer, order.customer_id)
    return {
        "order": order.number,
        "placed_at": to_rfc3339(order.placed_at),
        "total_minor": order.total_minor,
        "currency": order.currency,
        "customer_email": customer.email,
        "shipping_address": order.shipping_address,
        "parcels": parcels,
    }


TOOLS = (submit_dispute_evidence,)
