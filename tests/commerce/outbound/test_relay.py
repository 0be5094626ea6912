"""What tools promise to do outside the shop is done: after the commit, once, with retries, in order, visibly."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from tests.commerce.conftest import NOW, Shop
from tests.commerce.flows.order_rows import ADDRESS, one, order, rows
from tests.commerce.outbound.conftest import Clock, Relays, states
from tests.commerce.outbound.doubles import MailServer, Service
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.effects.models import Effect
from tradepost.commerce.inventory.models import Reservation, StockLevel
from tradepost.commerce.logistics.models import Shipment
from tradepost.commerce.outbound import relay as relaying
from tradepost.commerce.outbound.plan import Planned, effects_of
from tradepost.commerce.payments.models import Refund
from tradepost.commerce.store.models import StoreEvent
from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import Ticket, TicketMessage


async def test_a_preview_and_a_refusal_send_nothing(desk: Shop, tmp_path: Path, relay: Relays) -> None:
    why = {"reason": "customer_request", "notify_customer": True}
    await desk.call("cancel_order", order_id="1", **why, dry_run=True)
    await desk.refused("cancel_order", order_id="77", **why)
    assert await relay().settle() == 0
    assert list(tmp_path.iterdir()) == []


async def test_without_vendors_everything_is_a_file(desk: Shop, tmp_path: Path, relay: Relays) -> None:
    way = relay()
    made = await desk.call("create_shipment", order_id="1", carrier="dhl", buy_label=True, notify_customer=True)
    assert await way.settle() == 2
    (label,) = (tmp_path / "labels").glob("*.zpl")
    parcel = await one(desk, Shipment, made["id"])
    assert parcel.tracking_number in label.read_text()
    assert ADDRESS["line1"] in label.read_text()
    (mail,) = (tmp_path / "mail").glob("*.eml")
    assert "To: ann@example.com" in mail.read_text()
    assert mail.stat().st_mode & 0o077 == 0
    assert await states(desk) == [("buy_label", "sent", 1), ("email", "sent", 1)]
    assert await way.settle() == 0
    await desk.call("initiate_refund", order_id="1", amount_minor=500, currency="EUR", reason="goodwill")
    await way.settle()
    (line,) = [json.loads(text) for text in (tmp_path / "payments.jsonl").read_text().splitlines()]
    assert (line["kind"], line["amount_minor"], line["currency"]) == ("refund", 500, "EUR")
    (refund,) = await rows(desk, Refund)
    assert refund.psp_reference == f"ledger-{line['key']}"


async def test_the_timeline_shows_what_went_out(desk: Shop, relay: Relays) -> None:
    await desk.call("send_customer_message", order_id="1", template="apology", reason="Asked")
    await relay().settle()
    server = desk.servers[-1]
    told = json.loads((await server.read(desk.caller(), "order://1/timeline"))["contents"][0]["text"])
    sent = [(entry["source"], entry["what"]) for entry in told["entries"] if entry["source"] == "effect"]
    assert sent == [("effect", "email sent")]


async def test_records_with_ids_of_other_systems_are_known_by_what_happened(
    desk: Shop, tmp_path: Path, relay: Relays
) -> None:
    foreign = order("9", ("MUG-R", 1))
    for row in foreign:
        for name in ("id", "order_id"):
            if getattr(row, name, None) in ("ord_9", "pay_9"):
                setattr(row, name, f"#W{getattr(row, name)[-1]}")
    await desk.add(*foreign)
    await desk.call("cancel_order", order_id="9", reason="customer_request", notify_customer=True)
    assert await relay().settle() == 2
    (mail,) = (tmp_path / "mail").iterdir()
    assert "Your order 9 is canceled" in mail.read_text()
    assert [row.order_id for row in await rows(desk, Effect)] == ["#W9", "#W9"]


async def test_what_cannot_even_be_attempted_becomes_a_ticket_and_the_others_go_out(
    desk: Shop, tmp_path: Path, relay: Relays
) -> None:
    async with desk.database.transaction("wsp_test", write=True) as session:
        customer = await session.get(Customer, ("wsp_test", "cus_ann"))
        assert customer is not None
        customer.email = "ann@example.com\nBcc: all@example.com"
    told: dict[str, Any] = {"text": "It left us today.", "reason": "Asked"}
    await desk.call("send_customer_message", customer_id="CUST-ann", **told)
    await desk.call("send_customer_message", customer_id="CUST-bob", **told)
    await relay().settle()
    assert await states(desk) == [("email", "failed", 1), ("email", "sent", 1)]
    assert len(await rows(desk, Ticket)) == 1
    assert len(list((tmp_path / "mail").iterdir())) == 1


async def test_money_of_our_own_asks_no_provider(desk: Shop, relay: Relays) -> None:
    await desk.add(*order("3", ("MUG-R", 1), method="gift"))
    await desk.call("initiate_refund", order_id="3", amount_minor=500, currency="EUR", reason="goodwill")
    await desk.call("apply_store_credit", order_id="3", amount_minor=500, reason="Late")
    assert await relay().settle() == 0


async def test_mail_goes_by_smtp_and_again_when_the_server_is_busy(
    desk: Shop, clock: Clock, post: MailServer, relay: Relays
) -> None:
    way = relay(mail=f"smtp://127.0.0.1:{post.port}?from=shop@example.com")
    post.answers = ["451 later"]
    await desk.call(
        "send_customer_message", order_id="1", text="Grüße from Delft.", subject="A word", reason="Asked twice"
    )
    await way.settle()
    assert (post.mails, await states(desk)) == ([], [("email", "pending", 1)])
    assert "451" in (await rows(desk, Effect))[0].error
    assert await way.settle() == 0
    clock.now += timedelta(seconds=6)
    assert await way.settle() == 1
    (mail,) = post.mails
    assert mail["Date"] is not None
    assert (mail["Subject"], mail["To"], mail["From"]) == ("A word", "ann@example.com", "shop@example.com")
    assert mail.get_content().strip() == "Grüße from Delft."
    assert mail["Message-ID"] == f"<{(await rows(desk, Effect))[0].id}@example.com>"
    assert await states(desk) == [("email", "sent", 2)]


async def test_what_is_refused_for_good_becomes_a_ticket(desk: Shop, post: MailServer, relay: Relays) -> None:
    post.answers = ["550 no such user"]
    await desk.call("send_customer_message", order_id="1", template="apology", reason="Asked")
    await relay(mail=f"smtp://127.0.0.1:{post.port}?from=shop@example.com").settle()
    assert await states(desk) == [("email", "failed", 1)]
    (ticket,) = await rows(desk, Ticket)
    assert (ticket.queue, ticket.priority, ticket.order_id) == ("effects", "high", "ord_1")
    (said,) = await rows(desk, TicketMessage)
    assert "550 no such user" in said.body


async def test_reservations_that_are_over_are_freed(desk: Shop, clock: Clock, relay: Relays) -> None:
    held = {"variant_id": "var_SHIRT-S", "sku": "SHIRT-S", "location_id": "loc_1", "status": "held", "quantity": 4}
    async with desk.database.transaction("wsp_test", write=True) as session:
        session.add(Reservation(id="rsv_1", number="RSV-1", expires_at=NOW + timedelta(hours=1), **held))
        level = await session.get(StockLevel, ("wsp_test", "stk_SHIRT-S"))
        assert level is not None
        level.available, level.reserved = 6, 4
    way = relay()
    assert await way.free_reservations() == 0
    clock.now += timedelta(hours=2)
    assert await way.free_reservations() == 1
    assert (await one(desk, StockLevel, "stk_SHIRT-S")).available == 10


async def test_what_the_carrier_said_is_told_to_those_who_watch_the_parcel(desk: Shop, relay: Relays) -> None:
    made = await desk.call("create_shipment", order_id="1", carrier="dhl", buy_label=True)
    await relay().settle()
    (bought,) = [event for event in await rows(desk, StoreEvent) if event.type == "shipment:label_bought"]
    assert set(bought.payload["touched"]) == {made["id"], "ord_1"}


async def test_an_event_that_a_database_error_kept_back_is_looked_at_again(
    desk: Shop, relay: Relays, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The database goes away while an event is planned: the event is not at fault, and goes out when it is back."""
    gone = OperationalError("SELECT 1", {}, Exception("the server closed the connection unexpectedly"))
    failures = iter([gone, ConnectionResetError("Connection reset by peer")])
    planned = asyncio.Event()

    async def effects_or_failure(store: Store, event: StoreEvent) -> list[Planned]:
        if (failure := next(failures, None)) is not None:
            raise failure
        planned.set()
        return await effects_of(store, event)

    monkeypatch.setattr(relaying, "effects_of", effects_or_failure)
    monkeypatch.setattr(relaying, "PAUSE_SECONDS", 0.01)
    await desk.call("send_customer_message", order_id="1", text="It left us today.", reason="Asked")
    way = relay()
    with pytest.raises(OperationalError):
        await way.settle()
    assert await states(desk) == []
    await way.start()
    async with asyncio.timeout(30):
        await planned.wait()
        while await states(desk) != [("email", "sent", 1)]:
            pass  # looking lets the relay go on
    assert [record.getMessage() for record in caplog.records] == ["effects wait: Connection reset by peer"]


async def test_stopping_waits_for_what_is_on_its_way_and_begins_nothing_more(
    desk: Shop, vendor: Service, relay: Relays
) -> None:
    await desk.call("create_shipment", order_id="1", carrier="dhl", buy_label=True)
    vendor.answering.clear()
    way = relay(vendor)
    await way.start()
    async with asyncio.timeout(30):
        await vendor.busy.wait()
        stopping = asyncio.create_task(way.stop())
        await desk.call("initiate_refund", order_id="1", amount_minor=500, currency="EUR", reason="goodwill")
        assert not stopping.done()
        vendor.answering.set()
        await stopping
    assert await states(desk) == [("buy_label", "sent", 1)]
    assert [kind for kind, _key, _request in vendor.asked] == ["buy_label"]
