"""What contradicts itself, is too much, of another currency or of nobody known: refused with the numbers, by every tool
it can concern, and nothing changes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.commerce.conftest import NOW, WORKSPACE, Shop
from tests.commerce.flows.order_rows import ADDRESS, ago, open_shop, order
from tests.commerce.flows.supply import purchase, purchase_line, supplier
from tests.commerce.other_workspaces import all_rows
from tradepost.commerce.claims.models import Claim
from tradepost.commerce.declared import MODULES
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Carrier
from tradepost.commerce.payments.models import Payment
from tradepost.commerce.serving.declare import Tool
from tradepost.foundation.errors import InvalidArgument

Json = dict[str, Any]
WRITES = {tool.name: tool for module in MODULES for tool in getattr(module, "TOOLS", ()) if tool.writes}
WHY = {"reason": "As asked"}
MONEY = {"currency": "EUR", "reason": "goodwill"}
LATER = (NOW + timedelta(days=3)).isoformat()


@pytest.fixture
async def desk(shop: Shop) -> Shop:
    """Order 1 is paid and not packed, 2 was delivered, 3 has €20.00 authorized; two shirts of 4 come back, one of 5 is
    there; 40 shirts come with PO 1."""
    orders = order("1", ("SHIRT-S", 2), ("MUG-R", 1)), order("2", ("SHIRT-S", 2), delivered_at=ago(3))
    back = (order(number, ("SHIRT-S", 2), delivered_at=ago(3)) for number in ("4", "5"))
    await open_shop(shop, *orders, order("3", ("SHIRT-S", 2), method=None), *back)
    for number, rma in (("4", "RMA-1001"), ("5", "RMA-1002")):
        await shop.call("submit_return", order_id=number)
        await shop.call("approve_return", rma=rma)
    await shop.call("receive_return", rma="RMA-1002", lines=[{"line": 1, "quantity": 1}])
    payment = {"id": "pay_9", "number": "P-9", "order_id": "ord_3", "sequence": 1, "method_id": "pm_card"}
    until = {"authorized_at": ago(1), "auth_expires_at": NOW + timedelta(days=6)}
    bought = purchase("1", "9", "WHA", "ordered", ago(1))
    bought.location_id = "loc_1"
    await shop.add(
        Location(id="loc_2", code="WH-2", name="Second house", address=ADDRESS),
        Carrier(id="car_1", code="dhl", name="DHL", services=[{"code": "std", "transit_days": 2}]),
        supplier("9", "Goods Inc"),
        bought,
        purchase_line("1", "SHIRT-S", 40),
        Payment(**payment, status="authorized", currency="EUR", amount_minor=2000, **until),
        Claim(
            id="clm_1",
            number="C-1",
            type="damage",
            side="customer_claim",
            status="under_review",
            order_id="ord_2",
            currency="EUR",
            claimed_minor=1500,
            opened_at=ago(1),
        ),
    )
    shop.offer([tool for tool in WRITES.values() if tool.name not in _offered(shop)])
    return shop


def _offered(shop: Shop) -> set[str]:
    return {tool.name for server in shop.servers for tool in server.tools}


def _of(*lines: tuple[str, Any], **more: Any) -> list[Json]:
    return [{name: value, **more} for name, value in lines]


INVALID, STATE, LIMIT = "invalid_argument", "state_conflict", "limit_exceeded"
LINE = {"description": "Engraving", "quantity": 1, "unit_price_minor": 1500}
MOVE = {"from_warehouse_id": "WH-1", "to_warehouse_id": "WH-2"}
TWICE = "SHIRT-S stands in 2 lines"
SAME = "entries before this one name the same units"
CASES: list[tuple[str, Json, str, str]] = [
    # lines that contradict each other, or something else of the call
    (
        "edit_order_items",
        {"order_id": "1", **WHY, "set_quantity": _of(("quantity", 1), ("quantity", 3), line=1)},
        INVALID,
        "Line 1 is changed twice",
    ),
    (
        "edit_order_items",
        {"order_id": "1", **WHY, "set_quantity": [{"line": 9, "quantity": 1}]},
        INVALID,
        "has no line 9",
    ),
    ("transfer_stock", {**MOVE, "to_warehouse_id": "WH-1", "sku": "SHIRT-S", "quantity": 1}, INVALID, "both WH-1"),
    ("transfer_stock", {**MOVE, "lines": _of(("sku", "SHIRT-S"), ("sku", "SHIRT-S"), quantity=1)}, INVALID, TWICE),
    (
        "transfer_stock",
        {**MOVE, "sku": "SHIRT-S", "quantity": 1, "lines": _of(("sku", "SHIRT-S"), quantity=1)},
        INVALID,
        "either",
    ),
    (
        "create_reorder",
        {"warehouse_id": "WH-1", **WHY, "lines": _of(("sku", "SHIRT-S"), ("sku", "SHIRT-S"), quantity=1)},
        INVALID,
        TWICE,
    ),
    (
        "receive_purchase_order",
        {"po_id": "1", "lines": _of(("sku", "SHIRT-S"), ("sku", "SHIRT-S"), received=1)},
        INVALID,
        TWICE,
    ),
    (
        "receive_purchase_order",
        {"po_id": "1", "lines": [{"sku": "SHIRT-M", "received": 1}]},
        "not_found",
        "no line for SHIRT-M",
    ),
    (
        "create_shipment",
        {"order_id": "1", "carrier": "dhl", "lines": _of(("line", 1), ("line", 1), quantity=2)},
        STATE,
        SAME,
    ),
    (
        "submit_return",
        {"order_id": "2", "lines": _of(("line", 1), ("line", 1), quantity=2, reason="color")},
        STATE,
        SAME,
    ),
    ("initiate_refund", {"order_id": "1", **MONEY, "lines": _of(("line", 1), ("line", 1), quantity=2)}, STATE, SAME),
    ("initiate_refund", {"order_id": "1", "payment_id": "P-1", **MONEY, "amount_minor": 1}, INVALID, "exactly one of"),
    (
        "create_quote",
        {"customer_id": "CUST-ann", "lines": _of(("sku", "SHIRT-S"), ("sku", "SHIRT-S"), quantity=1)},
        INVALID,
        TWICE,
    ),
    (
        "create_quote",
        {"customer_id": "CUST-ann", "sku": "SHIRT-S", "quantity": 1, "lines": _of(("sku", "SHIRT-S"), quantity=1)},
        INVALID,
        "either",
    ),
    ("create_invoice", {"order_id": "1", "currency": "USD"}, INVALID, "in which currency"),
    (
        "create_invoice",
        {"customer_id": "CUST-ann", "currency": "EUR", "lines": [{**LINE, "unit_price_minor": 0}]},
        INVALID,
        "zero",
    ),
    ("open_claim", {"type": "damage", "order_id": "2", "purchase_order_id": "1"}, INVALID, "exactly one of"),
    ("decide_claim", {"claim_id": "C-1", "decision": "deny", "amount_minor": 1, **WHY}, INVALID, "settles nothing"),
    (
        "reserve_stock",
        {"sku": "SHIRT-S", "quantity": 1, "order_id": "1", "expires_at": LATER},
        INVALID,
        "either order_id or",
    ),
    (
        "receive_purchase_order",
        {"po_id": "1", "lines": [{"sku": "SHIRT-S", "received": 0}]},
        INVALID,
        "No units of SHIRT-S",
    ),
    # more than there is, was ordered, sold or paid
    (
        "receive_purchase_order",
        {"po_id": "1", "lines": [{"sku": "SHIRT-S", "received": 41}]},
        LIMIT,
        "41 units of SHIRT-S are more than 1 awaits: 40 ordered",
    ),
    (
        "receive_purchase_order",
        {"po_id": "1", "lines": [{"sku": "SHIRT-S", "received": 39, "rejected": 2, "reason": "wet"}]},
        LIMIT,
        "40 outstanding",
    ),
    (
        "transfer_stock",
        {**MOVE, "sku": "SHIRT-S", "quantity": 11},
        STATE,
        "10 units of SHIRT-S available; 11 are wanted",
    ),
    (
        "reserve_stock",
        {"sku": "SHIRT-S", "quantity": 11, "expires_at": LATER},
        LIMIT,
        "10 units of SHIRT-S available; 11 cannot",
    ),
    ("adjust_stock", {"sku": "SHIRT-S", "delta": -11}, LIMIT, "10 units of SHIRT-S available; 11 cannot"),
    ("set_reorder_policy", {"sku": "SHIRT-S", "safety_stock": 11}, LIMIT, "10 of SHIRT-S available"),
    ("edit_order_items", {"order_id": "1", **WHY, "set_quantity": [{"line": 1, "quantity": 13}]}, STATE, "10"),
    (
        "create_shipment",
        {"order_id": "1", "carrier": "dhl", "lines": [{"line": 1, "quantity": 3}]},
        STATE,
        "Only 2 of 3 units of SHIRT-S",
    ),
    (
        "submit_return",
        {"order_id": "2", "lines": [{"line": 1, "quantity": 3, "reason": "color"}]},
        STATE,
        "Only 2 of 3 units of SHIRT-S",
    ),
    (
        "create_exchange",
        {"order_id": "2", "lines": [{"line": 1, "quantity": 3, "new_variant": "SHIRT-M"}]},
        STATE,
        "Only 2 of 3 units of SHIRT-S",
    ),
    ("receive_return", {"rma": "RMA-1001", "lines": [{"line": 1, "quantity": 3}]}, LIMIT, "2"),
    (
        "record_return_disposition",
        {"rma": "RMA-1002", "lines": [{"line": 1, "quantity": 2, "disposition": "dispose"}]},
        LIMIT,
        "1",
    ),
    (
        "open_claim",
        {"type": "damage", "order_id": "2", "lines": [{"line": 1, "quantity": 3}]},
        STATE,
        "Only 2 of 3 units of SHIRT-S",
    ),
    (
        "open_claim",
        {"type": "damage", "order_id": "2", "amount_minor": 999_999},
        LIMIT,
        "€9,999.99 are more than the goods cost: €20.00",
    ),
    (
        "decide_claim",
        {"claim_id": "C-1", "decision": "approve", "amount_minor": 1501},
        LIMIT,
        "€15.01 are more than the €15.00",
    ),
    (
        "initiate_refund",
        {"order_id": "1", **MONEY, "amount_minor": 2701},
        LIMIT,
        "€27.01 cannot be refunded: €27.00 of €27.00 captured",
    ),
    (
        "capture_payment",
        {"payment_id": "P-9", **MONEY, "amount_minor": 2001},
        LIMIT,
        "€20.01 cannot be captured: €20.00",
    ),
    # another currency than the record's, or none at all
    ("initiate_refund", {"order_id": "1", **MONEY, "amount_minor": 1, "currency": "USD"}, INVALID, "EUR, not USD"),
    ("capture_payment", {"payment_id": "P-9", **MONEY, "amount_minor": 1, "currency": "USD"}, INVALID, "EUR, not USD"),
    ("apply_store_credit", {"order_id": "1", "amount_minor": 100, **WHY, "currency": "USD"}, INVALID, "EUR, not USD"),
    (
        "apply_store_credit",
        {"customer_id": "CUST-ann", "amount_minor": 100, **WHY, "currency": "XXX"},
        INVALID,
        "'XXX'",
    ),
    ("create_invoice", {"customer_id": "CUST-ann", "currency": "XXX", "lines": [LINE]}, INVALID, "'XXX'"),
    # nobody and nothing known
    ("create_shipment", {"order_id": "1", "carrier": "fastex"}, "not_found", "No carrier 'fastex'"),
    (
        "create_reorder",
        {"warehouse_id": "WH-1", "supplier": "nobody", "sku": "SHIRT-S", "quantity": 1, **WHY},
        "not_found",
        "'nobody'",
    ),
    ("create_reorder", {"warehouse_id": "WH-7", "sku": "SHIRT-S", "quantity": 1, **WHY}, "not_found", "'WH-7'"),
]


async def test_each_is_refused_with_the_numbers_and_changes_nothing(desk: Shop) -> None:
    before = await all_rows(desk.database, WORKSPACE)
    for tool, given, code, says in CASES:
        for more in ({}, {"dry_run": True}):
            error = await desk.refused(tool, **given, **more)
            assert (error["code"], says in error["message"]) == (code, True), (tool, given, error)
            assert error["hint"], (tool, given, error)
    assert await all_rows(desk.database, WORKSPACE) == before


def _amounts(schema: Json, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """The quantities and amounts of a schema: where they stand, and the least there may be of each."""
    for part in (schema, *schema.get("anyOf", ())):
        for name, inner in part.get("properties", {}).items():
            yield from _amounts(inner, (*place, name))
        if "items" in part:
            yield from _amounts(part["items"], (*place, 0))
        if "integer" in part.get("type", "") and "enum" not in part:
            yield place, part.get("minimum", -(10**9))


AMOUNTS = [
    (tool.name, place, least)
    for tool in WRITES.values()
    for place, least in _amounts(tool.input_schema)
    if place[-1] not in ("line", "expected_version", "stop_position")
]


ZERO_MEANS = {
    ("create_invoice", "unit_price_minor"),  # free of charge beside what costs
    ("edit_order_items", "quantity"),  # the line goes
    ("receive_purchase_order", "received"),  # all was rejected
    ("receive_purchase_order", "rejected"),
    ("set_reorder_policy", "reorder_point"),
    ("set_reorder_policy", "reorder_quantity"),
    ("set_reorder_policy", "safety_stock"),
}


def test_no_write_takes_a_quantity_or_an_amount_below_its_least() -> None:
    """Negative ones nowhere but where they are differences; zero where it means something alone."""
    assert {name for name, _, least in AMOUNTS if least < 0} == {"adjust_stock"}
    assert {(name, place[-1]) for name, place, least in AMOUNTS if least == 0} == ZERO_MEANS
    for name, place, least in AMOUNTS:
        tool = WRITES[name]
        bad: Any = least - 1
        for part in reversed(place[1:]):
            bad = [bad] if part == 0 else {part: bad}
        with pytest.raises(InvalidArgument) as refused:
            tool.check({**_examples(tool), str(place[0]): bad})
        assert str(place[0]) in str(refused.value.field), (name, place, refused.value.message)


def _examples(tool: Tool) -> Json:
    """A value for each argument that is needed."""
    properties = tool.input_schema["properties"]
    return {name: properties[name]["examples"][0] for name in tool.input_schema.get("required", [])}
