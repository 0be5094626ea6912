"""Claims from the broken box to the decision: worth, deadline, proof, steps, and nobody is told by accident."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce import books
from tests.commerce.conftest import WORKSPACE, Shop
from tests.commerce.flows.supply import purchase, purchase_line, supplier
from tradepost.commerce.claims.models import Claim, ClaimEvidence
from tradepost.commerce.flows.claims import claim_evidence, decide_claim, file_claim, open_claim
from tradepost.commerce.logistics.models import Carrier, Fulfillment, FulfillmentLine, Shipment
from tradepost.commerce.store.models import StoreEvent


@pytest.fixture
async def desk(shop: Shop) -> Shop:
    """Order 1001 with two A (one in parcel SHP-1, delivered yesterday) and a B; PO 1, ten short of 40 A."""
    shop.offer([tool for module in (open_claim, claim_evidence, file_claim, decide_claim) for tool in module.TOOLS])
    sold = books.order("1001", total_minor=3000)
    await shop.add(
        books.customer(),
        books.warehouse(),
        books.product(),
        *(books.variant(sku) for sku in ("A", "B")),
        sold,
        books.line(sold, 1, "A", 2),
        books.line(sold, 2, "B"),
        Carrier(id="car_1", code="ups", name="UPS", services=[], claim_days=60),
        Fulfillment(id="ful_1", order_id=sold.id, sequence=1),
    )
    await shop.add(
        FulfillmentLine(
            id="fll_1", fulfillment_id="ful_1", position=1, order_line_id="oln_1001_1", variant_id="var_A", quantity=1
        ),
        Shipment(
            id="shp_1",
            number="SHP-1",
            order_id=sold.id,
            carrier_id="car_1",
            fulfillment_id="ful_1",
            status="delivered",
            delivered_at=books.days(-1),
        ),
        supplier("9", "Goods Inc"),
        purchase("1", "9", "W1", "received", books.days(-2)),
        purchase_line("1", "A", 40, received=30),
    )
    return shop


async def claims(shop: Shop) -> list[Claim]:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return list((await session.scalars(select(Claim).order_by(Claim.number))).all())


async def told(shop: Shop) -> list[str]:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return list((await session.scalars(select(StoreEvent.type).order_by(StoreEvent.sequence))).all())


async def test_a_parcels_claim_is_proven_filed_and_decided(desk: Shop) -> None:
    opened = await desk.call("open_claim", type="concealed_damage", shipment_id="SHP-1", liability="carrier")
    assert (opened["number"], opened["claim_status"], opened["side"]) == ("CLM-1001", "draft", "carrier_claim")
    assert opened["claimed"]["amount_minor"] == 1000  # the one unit that was in the parcel
    assert (opened["file_by"], opened["days_left"]) == ("2026-03-06T09:00:00Z", 4)
    unproven = await desk.refused("file_carrier_claim", claim_id="CLM-1001")
    assert "photo or packaging or inspection" in unproven["message"]
    seen = await desk.call("add_claim_evidence", claim_id="CLM-1001", media=["med_1", "med_2"], note="Crushed\u200b")
    assert seen["evidence_missing"] == []
    preview = await desk.call("file_carrier_claim", claim_id="CLM-1001", dry_run=True)
    assert preview["preview"]["side_effects"] == ["The claim over €10.00 is sent to UPS."]
    filed = await desk.call("file_carrier_claim", claim_id="CLM-1001")
    assert (filed["claim_status"], filed["days_left"]) == ("submitted", None)
    more = await desk.call("decide_claim", claim_id="CLM-1001", decision="ask_evidence", reason="Invoice wanted")
    assert more["claim_status"] == "evidence_needed"
    assert (await desk.call("file_carrier_claim", claim_id="CLM-1001"))["claim_status"] == "under_review"
    done = await desk.call("decide_claim", claim_id="CLM-1001", decision="approve", amount_minor=600)
    assert (done["claim_status"], done["settled"]["amount_minor"]) == ("partially_approved", 600)
    assert (await told(desk)).count("claim:filed") == 2


async def test_goods_a_supplier_owes_are_claimed_at_cost(desk: Shop) -> None:
    opened = await desk.call("open_claim", type="shortage", purchase_order_id="1")
    assert (opened["claimed"]["amount_minor"], opened["liability"]) == (5000, "supplier")
    assert (opened["file_by"], opened["about"]) == (None, "purchase order 1")
    await desk.call("add_claim_evidence", claim_id="CLM-1001", kind="bol", media=["med_9"])
    assert "9 (Goods Inc)" in (await desk.result("file_carrier_claim", claim_id="CLM-1001")).content[0]["text"]


async def test_a_customers_claim_is_submitted_and_decided_by_us(desk: Shop) -> None:
    lines = [{"variant": "A", "quantity": 2}]
    opened = await desk.call("open_claim", type="defect", order_id="1001", lines=lines, description="Does not turn on")
    assert (opened["claim_status"], opened["claimed"]["amount_minor"]) == ("submitted", 2000)
    assert "nobody to file it with" in (await desk.refused("file_carrier_claim", claim_id="CLM-1001"))["message"]
    silent = await desk.refused("decide_claim", claim_id="CLM-1001", decision="deny")
    assert silent["field"] == "reason"
    done = await desk.call("decide_claim", claim_id="CLM-1001", decision="approve")
    assert (done["claim_status"], done["allowed_next"]) == ("approved", ["paid"])
    late = await desk.refused("decide_claim", claim_id="CLM-1001", decision="deny", reason="Second thoughts")
    assert "approved and cannot become under_review. Allowed next: paid" in late["message"]
    closed = await desk.refused("add_claim_evidence", claim_id="CLM-1001", note="late")
    assert closed["code"] == "state_conflict"


NO_SENSE: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "damage"}, "invalid_argument", "exactly one of"),
    ({"type": "damage", "order_id": "1001", "shipment_id": "SHP-1"}, "invalid_argument", "exactly one of"),
    ({"type": "loss", "purchase_order_id": "1"}, "invalid_argument", "no loss claim"),
    ({"type": "damage", "shipment_id": "SHP-1", "lines": [{"line": 2}]}, "state_conflict", "Only 0 of 1 units"),
    ({"type": "defect", "order_id": "1001", "lines": [{"line": 9}]}, "not_found", "no line 9"),
    ({"type": "shortage", "purchase_order_id": "1", "lines": [{"variant": "B"}]}, "not_found", "no B"),
    ({"type": "defect", "order_id": "1001", "amount_minor": 3001}, "limit_exceeded", "€30.00"),
    ({"type": "defect", "order_id": "1001", "amount_minor": 0}, "invalid_argument", "minimum"),
    ({"type": "theft", "order_id": "1001"}, "invalid_argument", "theft"),
]


async def test_a_claim_that_makes_no_sense_is_not_opened(desk: Shop, subtests: pytest.Subtests) -> None:
    for call, code, said in NO_SENSE:
        with subtests.test(call=call):
            refused = await desk.refused("open_claim", **call)
            assert refused["code"] == code
            assert said in refused["message"]
            assert await claims(desk) == []


async def test_the_same_goods_are_not_claimed_twice(desk: Shop) -> None:
    calls = [desk.result("open_claim", type="damage", shipment_id="SHP-1") for _ in range(3)]
    assert sorted(result.is_error for result in await asyncio.gather(*calls)) == [False, True, True]
    again = await desk.refused("open_claim", type="damage", order_id="1001", lines=[{"line": 1}])
    assert "CLM-1001 is an open damage claim" in again["message"]
    await desk.call("open_claim", type="damage", order_id="1001", lines=[{"line": 2}])
    assert len(await claims(desk)) == 2


async def test_a_missed_deadline_needs_a_reason(desk: Shop) -> None:
    late = Claim(
        id="clm_1", number="CLM-1", type="damage", side="carrier_claim", order_id="ord_1001", carrier_id="car_1",
        currency="EUR", claimed_minor=500, opened_at=books.days(-70), file_by=books.days(-3), lines=[],
    )  # fmt: skip
    await desk.add(late, ClaimEvidence(id="evd_1", claim_id="clm_1", kind="photo", media="m"))
    refused = await desk.refused("file_carrier_claim", claim_id="CLM-1")
    assert refused["field"] == "late_reason"
    filed = await desk.call("file_carrier_claim", claim_id="CLM-1", late_reason="The buyer was in hospital")
    assert filed["claim_status"] == "submitted"
    over = await desk.refused("decide_claim", claim_id="CLM-1", decision="approve", amount_minor=501)
    assert "€5.00" in over["message"]
