"""Finding payments, refunds and disputes."""

import json

from tests.commerce import books
from tests.commerce.conftest import Shop
from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.books.payment_search import RESOURCES, TOOLS
from tradepost.commerce.payments.models import Dispute


async def fill(shop: Shop) -> None:
    shop.offer(TOOLS, RESOURCES)
    orders = [books.order("1001"), books.order("1002")]
    method = PaymentMethod(
        id="pm_1", customer_id="cus_c1", type="credit_card", brand="visa", last4="4242", currency="EUR"
    )
    first = books.payment(orders[0], "psp-1", 3100, refunded_minor=610, method_id="pm_1")
    second = books.payment(
        orders[1], "psp-2", 500, status="authorized", captured_minor=0, captured_at=None, authorized_at=books.days(-1)
    )
    await shop.add(books.customer(), method, *orders, first, second, books.refund(first, "re-1", 610))


async def test_payments_of_an_order_come_with_refunds_and_what_may_still_go_back(shop: Shop) -> None:
    await fill(shop)
    result = await shop.result("search_payments", order_id="#1001")
    assert result.structured is not None
    (item,) = result.structured["items"]
    assert (item["refundable"]["amount_minor"], item["method"]) == (2490, "credit card visa ending 4242")
    assert item["refunds"][0]["amount"]["display"] == "€6.10"
    assert "1001" in result.content[0]["text"]
    assert "€31.00" in result.content[0]["text"]


async def test_payments_are_found_by_reference_of_payment_or_refund_state_and_time(shop: Shop) -> None:
    await fill(shop)
    for arguments, numbers in (
        ({"psp_ref": "psp-2"}, ["1002"]),
        ({"psp_ref": "re-1"}, ["1001"]),
        ({"psp_ref": "nothing"}, []),
        ({"status": "authorized"}, ["1002"]),
        ({"refund_status": "succeeded"}, ["1001"]),
        ({"refund_status": "pending"}, []),
        ({"taken_from": "2026-03-01T00:00:00Z"}, ["1002"]),
        ({"taken_to": "2026-03-01T00:00:00Z"}, ["1001"]),
    ):
        found = await shop.call("search_payments", **arguments)
        assert [item["order_number"] for item in found["items"]] == numbers, arguments
    assert (await shop.refused("search_payments", order_id="9"))["field"] == "order_id"
    empty = await shop.result("search_payments", psp_ref="nothing")
    assert empty.content[0]["text"] == "No payments found with these filters."


async def test_fields_and_detail_limit_what_is_said(shop: Shop) -> None:
    await fill(shop)
    found = await shop.call("search_payments", fields=["status"], order_id="1001")
    assert found["items"] == [{"id": "pay_PAY-1001", "status": "captured"}]
    assert "refunds" not in (await shop.call("search_payments", detail="summary"))["items"][0]
    assert (await shop.refused("search_payments", fields=["nonsense"]))["field"] == "fields"


async def test_disputes_due_come_soonest_first_and_only_where_a_response_is_needed(shop: Shop) -> None:
    await fill(shop)

    def dispute(name: str, due: float | None, status: str = "needs_response") -> Dispute:
        return Dispute(
            id=f"dsp_{name}",
            number=name,
            payment_id="pay_PAY-1001",
            order_id="ord_1001",
            status=status,
            reason_code="fraud",
            currency="EUR",
            amount_minor=3100,
            fee_minor=1500,
            opened_at=books.days(-6),
            evidence_due_by=None if due is None else books.days(due),
        )

    rows = [dispute("D-1", 6.5), dispute("D-2", 3), dispute("D-3", 2, "won"), dispute("D-4", None), dispute("D-5", -1)]
    await shop.add(*rows, dispute("D-6", 30))
    found = await shop.call("list_disputes", due_before="2026-03-09T09:00:00Z")
    assert [(item["number"], item["days_left"]) for item in found["items"]] == [("D-5", -1), ("D-2", 3), ("D-1", 6)]
    assert found["items"][1]["fee"]["display"] == "€15.00"
    assert found["items"][1]["order_number"] == "1001"
    assert len((await shop.call("list_disputes"))["items"]) == 6
    assert [item["number"] for item in (await shop.call("list_disputes", status="won"))["items"]] == ["D-3"]
    first = await shop.call("list_disputes", due_before="2026-03-09T09:00:00Z", limit=2)
    rest = await shop.call("list_disputes", due_before="2026-03-09T09:00:00Z", limit=2, cursor=first["next_cursor"])
    assert [item["number"] for item in rest["items"]] == ["D-1"]


async def test_payment_resource_is_the_tools_view_and_stays_in_its_workspace(shop: Shop) -> None:
    await fill(shop)
    server = shop.servers[0]
    shown = await server.read(shop.caller(), "payment://PAY-1001")
    item = (await shop.call("search_payments", psp_ref="psp-1", detail="full"))["items"][0]
    assert json.loads(shown["contents"][0]["text"]) == item
    assert (await shop.call("search_payments", workspace="wsp_other"))["items"] == []
