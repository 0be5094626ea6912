"""A payout's statement against the shop's records: what agrees, what does not, and why."""

from tests.commerce import books
from tests.commerce.conftest import Shop
from tradepost.commerce.payments.models import Dispute
from tradepost.commerce.payments.payouts import TOOLS as PAYOUT_TOOLS
from tradepost.commerce.payments.reconcile import TOOLS


def by_position(result: dict) -> dict[int, dict]:  # type: ignore[type-arg]
    return {item["position"]: item for item in result["items"]}


async def test_three_differences_are_found_and_explained(shop: Shop) -> None:
    shop.offer(TOOLS)
    orders = [books.order(f"10{n}") for n in range(4)]
    payments = [books.payment(order, f"psp-{n}", 1000 + n) for n, order in enumerate(orders)]
    await shop.add(books.customer(), *orders, *payments, books.refund(payments[0], "re-0", 400))
    statement = [
        ("charge", "psp-0", 1000, 30),
        ("charge", "psp-1", 901, 30),  # one euro short
        ("charge", "psp-2", 1002, 30),
        ("charge", "unheard-of", 555, 0),
        ("refund", "re-0", -450, 0),
        ("fee", None, -20, 0),
    ]
    await shop.add(*books.payout("OUT-1", statement))
    result = await shop.result("reconcile_settlement", payout_id="OUT-1")
    found = result.structured
    assert found is not None
    assert (found["matched"], found["variance"], found["unmatched"]) == (3, 2, 1)
    lines = by_position(found)
    assert [item["status"] for item in found["items"][:3]] == ["variance", "unmatched", "variance"]
    assert (lines[2]["expected"]["amount_minor"], lines[2]["difference_minor"]) == (1001, -100)
    assert (lines[4]["expected"], lines[4]["difference_minor"]) == (None, 555)
    assert (lines[5]["expected"]["amount_minor"], lines[5]["record"]) == (-400, "REF-PAY-100")
    assert found["difference"]["amount_minor"] == -100 + 555 - 50
    (lost,) = found["missing"]
    assert lost.pop("amount") == {"amount_minor": 1003, "currency": "EUR", "display": "€10.03"}
    assert found["display"]["net_difference"].startswith(("€", "-€"))
    assert [lost] == [{"kind": "payment", "number": "PAY-103", "psp_reference": "psp-3"}]
    assert found["net_difference_minor"] == 0
    assert not found["reconciled"]
    assert "€9.01" in result.content[0]["text"]
    assert len(result.content[0]["text"]) <= 800


async def test_second_settlement_of_a_payment_is_a_variance_and_parts_are_not(shop: Shop) -> None:
    shop.offer(TOOLS)
    orders = [books.order("1"), books.order("2")]
    await shop.add(books.customer(), *orders)
    await shop.add(books.payment(orders[0], "twice", 1000), books.payment(orders[1], "parts", 1000))
    earlier = {"period_from": books.days(-14), "period_to": books.days(-7)}
    await shop.add(*books.payout("A", [("charge", "twice", 1000, 0), ("charge", "parts", 600, 0)], **earlier))
    await shop.add(*books.payout("B", [("charge", "twice", 1000, 0), ("charge", "parts", 400, 0)]))
    void = {"status": "failed", "period_from": books.days(-14), "period_to": books.days(-8)}
    await shop.add(*books.payout("C", [("charge", "twice", 1000, 0)], **void))
    first = await shop.call("reconcile_settlement", payout_id="A")
    assert first["reconciled"]
    assert first["matched"] == 2
    second = by_position(await shop.call("reconcile_settlement", payout_id="B"))
    assert (second[1]["status"], second[1]["difference_minor"]) == ("variance", 1000)
    assert "already settled" in second[1]["why"]
    assert second[2]["status"] == "matched"


async def test_currency_wrong_sum_dispute_and_refund_by_payment_reference(shop: Shop) -> None:
    shop.offer(TOOLS)
    yen, euro = books.order("1", currency="JPY"), books.order("2")
    payments = [books.payment(yen, "yen", 5000), books.payment(euro, "euro", 2000)]
    await shop.add(books.customer(), yen, euro, *payments, books.refund(payments[1], None, 300))
    dispute = Dispute(
        id="dsp_1",
        number="DSP-1",
        payment_id=payments[1].id,
        order_id=euro.id,
        reason_code="fraud",
        currency="EUR",
        amount_minor=700,
        fee_minor=1500,
        opened_at=books.days(-3),
    )
    statement = [("charge", "yen", 5000, 0), ("refund", "euro", -300, 0), ("dispute", "DSP-1", -700, 1500)]
    rows = books.payout("OUT-1", statement)
    rows[3].net_minor = -700  # forgets its fee
    await shop.add(dispute, *rows)
    found = await shop.call("reconcile_settlement", payout_id="OUT-1")
    lines = by_position(found)
    assert lines[1]["status"] == "variance"
    assert lines[1]["expected"]["display"] == "¥5,000"
    assert lines[1]["difference_minor"] is None
    assert lines[2]["status"] == "matched"
    assert (lines[3]["status"], lines[3]["difference_minor"]) == ("variance", 1500)
    assert found["net_difference_minor"] == -1500


async def test_pages_cover_all_lines_once_and_sums_stay_those_of_all(shop: Shop) -> None:
    shop.offer(TOOLS)
    await shop.add(books.customer(), *books.payout("OUT-1", [("charge", f"x-{n}", n, 0) for n in range(1, 8)]))
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        found = await shop.call("reconcile_settlement", payout_id="OUT-1", limit=3, **cursor)
        seen += [item["position"] for item in found["items"]]
        assert (found["unmatched"], found["difference"]["amount_minor"]) == (7, 28)
        if not found["has_more"]:
            break
        cursor = {"cursor": found["next_cursor"]}
    assert seen == list(range(1, 8))
    assert (await shop.call("reconcile_settlement", payout_id="OUT-1", status="matched"))["items"] == []
    assert (await shop.refused("reconcile_settlement", payout_id="OUT-1", cursor="x"))["field"] == "cursor"


async def test_records_of_another_workspace_do_not_match(shop: Shop) -> None:
    shop.offer((*TOOLS, *PAYOUT_TOOLS))
    foreign = books.order("1")
    await shop.add(books.customer(), foreign, books.payment(foreign, "psp-1", 1000), workspace="wsp_other")
    await shop.add(*books.payout("OTHER", [("charge", "psp-2", 5, 0)]), workspace="wsp_other")
    await shop.add(*books.payout("OUT-1", [("charge", "psp-1", 1000, 0)]))
    found = await shop.call("reconcile_settlement", payout_id="OUT-1")
    assert (found["unmatched"], found["missing_count"]) == (1, 0)
    assert (await shop.refused("reconcile_settlement", payout_id="OTHER"))["code"] == "not_found"
    assert [item["number"] for item in (await shop.call("list_payouts"))["items"]] == ["OUT-1"]


async def test_payouts_are_filtered_and_summed_up(shop: Shop) -> None:
    shop.offer(PAYOUT_TOOLS)
    earlier = {"period_from": books.days(-14), "period_to": books.days(-7)}
    await shop.add(*books.payout("A", [("charge", "a", 1000, 100)], **earlier))
    await shop.add(*books.payout("B", [("charge", "b", 2000, 100)], status="in_transit"))
    result = await shop.result("list_payouts")
    assert result.structured is not None
    assert [item["number"] for item in result.structured["items"]] == ["B", "A"]
    assert "net €28.00" in result.content[0]["text"]
    assert (await shop.call("list_payouts", status="paid"))["items"][0]["net"]["amount_minor"] == 900
    assert (await shop.call("list_payouts", period_to="2026-02-28T00:00:00Z"))["items"][0]["number"] == "A"
    assert (await shop.refused("list_payouts", period_from="2026-03-01T00:00:00Z", period_to="2026-02-01T00:00:00Z"))[
        "field"
    ] == "period_from"
