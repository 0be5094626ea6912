"""What the shop learns from the other side: references and tracking numbers, or that somebody must look."""

from sqlalchemy import select

from tradepost.commerce.claims.models import Claim
from tradepost.commerce.effects.models import Effect
from tradepost.commerce.logistics.models import Shipment
from tradepost.commerce.outbound.ports import PORT_OF, Outcome
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.returns.models import Return
from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import Ticket, TicketMessage
from tradepost.foundation.ids import new_id

QUEUE = "effects"
_PEOPLE = {
    "mail": "the mail server",
    "sms": "the SMS sender",
    "carrier": "the carrier",
    "payments": "the payment provider",
}


async def record_done(store: Store, effect: Effect, outcome: Outcome) -> None:
    """Write what the other side calls it to the record it is about."""
    reference = outcome.reference
    if effect.kind == "buy_label":
        shipment = await store.lock(Shipment, effect.subject)
        shipment.tracking_number = shipment.tracking_number or outcome.get("tracking_number")
        store.emit("shipment:label_bought", shipment, order_id=shipment.order_id)
    elif effect.kind == "return_label":
        back = await store.lock(Return, effect.subject)
        told = {"tracking_number": outcome.get("tracking_number"), "reference": reference}
        back.label = {**(back.label or {"kind": "prepaid"}), "status": "ready", **told}
        store.emit("return:label_ready", back, order_id=back.order_id)
    elif effect.kind in ("charge", "authorize", "capture"):
        payment = await store.lock(Payment, effect.subject)
        payment.psp_reference = payment.psp_reference or reference
    elif effect.kind == "refund":
        number = str(effect.request["refund"])
        refund = await store.one_or_none(select(Refund).where(Refund.number == number))
        if refund is not None:
            refund.psp_reference = refund.psp_reference or reference
    elif effect.kind == "file_claim":
        claim = await store.lock(Claim, effect.subject)
        claim.external_reference = claim.external_reference or reference


async def record_failed(store: Store, effect: Effect) -> None:
    """Open a ticket: what was committed here did not happen there, and only a person can say what follows."""
    who = _PEOPLE[PORT_OF[effect.kind]]
    what = effect.kind.replace("_", " ")
    ticket = store.add(
        Ticket(
            id=new_id(Ticket.prefix),
            number=await store.next_number("TKT-"),
            subject=f"Not done by {who}: {what}",
            status="open",
            priority="high",
            queue=QUEUE,
            order_id=effect.order_id,
            created_at=store.now,
        )
    )
    await store.session.flush()
    store.add(
        TicketMessage(
            id=new_id(TicketMessage.prefix),
            ticket_id=ticket.id,
            author_kind="system",
            body=f"{effect.id} ({what}) was given up after {effect.attempts} attempts. {effect.error}. The shop's own "
            "records count it as done: settle it by hand, or try again with `tradepost effects retry`.",
            created_at=store.now,
        )
    )
    store.emit("effect:failed", effect, order_id=effect.order_id, kind=effect.kind, ticket=ticket.number)


async def fresh_facts(store: Store, effect: Effect) -> dict[str, str]:
    """What was not known yet when the effect was planned: the provider's name for the payment, given by the effect
    before it."""
    if PORT_OF[effect.kind] != "payments" or effect.request.get("psp_reference"):
        return {}
    payment = await store.get(Payment, effect.subject)  # None for evidence, which is about a dispute
    return {"psp_reference": payment.psp_reference} if payment is not None and payment.psp_reference else {}
