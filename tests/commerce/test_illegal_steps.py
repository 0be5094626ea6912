"""Every state machine, by every tool that walks it: what a state does not admit is refused with the steps it does."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.commerce.account_attempts import methods_of
from tests.commerce.other_workspaces import ASKED, all_rows, other_shop_template
from tests.commerce.walking import Json, Walker
from tests.commerce.write_attempts import ADDRESS
from tests.engines import DatabaseUrls, Template
from tradepost.commerce.billing.states import SUBSCRIPTION
from tradepost.commerce.claims.states import CLAIM
from tradepost.commerce.logistics.states import DELIVERY
from tradepost.commerce.orders.states import ORDER_TRANSITIONS
from tradepost.commerce.payments.states import DISPUTE_TRANSITIONS, PAYMENT_TRANSITIONS
from tradepost.commerce.purchasing.states import PURCHASE_ORDER
from tradepost.commerce.returns.states import RETURN_TRANSITIONS
from tradepost.commerce.store.states import Transitions
from tradepost.database.engine import Database


@dataclass(frozen=True)
class Way:
    """A tool on records of a kind. `refused`: the states in which it is never possible."""

    tool: str
    kind: str
    machine: Transitions
    refused: str
    arguments: Callable[[Walker, Json], Json]


def _of(name: str, **more: object) -> Callable[[Walker, Json], Json]:
    return lambda _walker, item: {name: item["id"], **more}


def _paid_otherwise(walker: Walker, order: Json) -> Json:
    return {"order_id": order["id"], "payment_method_id": methods_of(walker, order)[0], "reason": "As asked"}


def _driver(walker: Walker, stop: Json) -> Json:
    near = [one for one in walker.items["driver"] if one["warehouse"] == stop["warehouse"]]
    return {"delivery_ids": [stop["id"]], "driver_id": (near or walker.items["driver"])[0]["id"]}


def _carrier(walker: Walker, order: Json) -> Json:
    carriers = [item["carrier_code"] for item in walker.items["shipment"] if item["carrier_code"]]
    return {"order_id": order["id"], "carrier": carriers[0], "warehouse_id": walker.names["warehouse"][0]}


def _paid_back(walker: Walker, back: Json) -> Json:
    order = next(item for item in walker.items["order"] if item["number"] == back["order_number"])
    money = {"currency": order["total"]["currency"], "amount_minor": 1, "reason": "returned"}
    return {"order_id": order["id"], "rma": back["id"], **money}


def _units(walker: Walker, order: Json) -> Json:
    level = next(item for item in walker.items["level"] if item["available"] > 2)
    return {"order_id": order["id"], "sku": level["sku"], "warehouse_id": level["warehouse"], "quantity": 1}


OVER = "completed canceled archived"
SWAP = [{"line": 1, "quantity": 5}]
DENIED = {"decision": "deny", "reason": "Packed by the buyer"}
WAYS = [
    Way(
        "set_order_hold", "order", ORDER_TRANSITIONS, f"pending on_hold {OVER}", _of("order_id", hold=True, reason="x")
    ),
    Way("set_order_hold", "order", ORDER_TRANSITIONS, f"open {OVER}", _of("order_id", hold=False)),
    Way("cancel_order", "order", ORDER_TRANSITIONS, f"on_hold {OVER}", _of("order_id", reason="sent in error")),
    Way("update_order_address", "order", ORDER_TRANSITIONS, OVER, _of("order_id", address=ADDRESS)),
    Way("edit_order_items", "order", ORDER_TRANSITIONS, OVER, _of("order_id", reason="x", set_quantity=SWAP)),
    Way("update_order_payment_method", "order", ORDER_TRANSITIONS, OVER, _paid_otherwise),
    Way("create_shipment", "order", ORDER_TRANSITIONS, f"pending on_hold {OVER}", _carrier),
    Way("create_invoice", "order", ORDER_TRANSITIONS, "canceled archived", _of("order_id")),
    Way("reserve_stock", "order", ORDER_TRANSITIONS, OVER, _units),
    Way("assign_driver", "delivery", DELIVERY, "completed canceled", _driver),
    Way("reroute_delivery", "delivery", DELIVERY, "completed failed canceled", _of("delivery_id", stop_position=1)),
    Way(
        "reschedule_delivery",
        "delivery",
        DELIVERY,
        "active completed canceled",
        _of("delivery_id", window_from="2031-07-20T08:00:00Z"),
    ),
    Way(
        "approve_return",
        "return",
        RETURN_TRANSITIONS,
        "approved in_transit partially_received received inspected declined canceled closed",
        _of("rma", exception_reason="x"),
    ),
    Way(
        "decline_return",
        "return",
        RETURN_TRANSITIONS,
        "approved in_transit partially_received received inspected declined canceled closed",
        _of("rma", reason="wrong_condition"),
    ),
    Way(
        "receive_return",
        "return",
        RETURN_TRANSITIONS,
        "requested received inspected declined canceled closed",
        _of("rma"),
    ),
    Way(
        "record_return_disposition",
        "return",
        RETURN_TRANSITIONS,
        "requested approved in_transit declined canceled closed",
        _of("rma", disposition="dispose"),
    ),
    Way(
        "create_exchange",
        "return",
        RETURN_TRANSITIONS,
        "in_transit partially_received received inspected declined canceled closed",
        _of("rma"),
    ),
    Way("initiate_refund", "return", RETURN_TRANSITIONS, "requested declined canceled", _paid_back),
    Way(
        "file_carrier_claim",
        "claim",
        CLAIM,
        "under_review approved partially_approved denied paid withdrawn closed",
        _of("claim_id"),
    ),
    Way(
        "decide_claim",
        "claim",
        CLAIM,
        "draft approved partially_approved denied paid withdrawn closed",
        _of("claim_id", **DENIED),
    ),
    Way(
        "add_claim_evidence",
        "claim",
        CLAIM,
        "approved partially_approved denied paid withdrawn closed",
        _of("claim_id", note="x"),
    ),
    Way("receive_purchase_order", "po", PURCHASE_ORDER, "draft received closed canceled", _of("po_id")),
    Way(
        "capture_payment",
        "payment",
        PAYMENT_TRANSITIONS,
        "captured voided failed expired",
        _of("payment_id", reason="x"),
    ),
    Way(
        "submit_dispute_evidence",
        "dispute",
        DISPUTE_TRANSITIONS,
        "under_review accepted won lost prevented",
        _of("dispute_id", reason="They signed for it at the door."),
    ),
    Way(
        "pause_subscription",
        "subscription",
        SUBSCRIPTION,
        "canceled",
        _of("subscription_id", until="2031-08-20T00:00:00Z"),
    ),
    Way("cancel_subscription", "subscription", SUBSCRIPTION, "canceled", _of("subscription_id", reason="Moved away")),
]


@pytest.fixture
def database_template() -> Template:
    return other_shop_template()


@pytest.fixture
async def store(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(database_urls.store)
    yield database
    await database.close()


def _one_per_state(walker: Walker, way: Way) -> Iterator[tuple[str, Json]]:
    """The first record in each state that only its state stands in the way of."""
    seen = set()
    spent = {item["number"] for item in walker.items["order"] if item["payment_status"] in ("refunded", "voided")}
    others = {
        "initiate_refund": lambda item: item["order_number"] in spent,
        "file_carrier_claim": lambda item: item["side"] != "carrier_claim",
    }
    for item in walker.items[way.kind]:
        state = str(item["status"])
        if state not in seen and not (way.tool in others and others[way.tool](item)):
            seen.add(state)
            yield state, item


async def test_each_state_that_does_not_admit_a_tool_says_what_it_does(store: Database) -> None:
    walker = Walker(store)
    await walker.look_once()
    before = await all_rows(store, ASKED)
    for way in WAYS:
        found = dict(_one_per_state(walker, way))
        for state in way.refused.split():
            if state not in found:
                continue
            call = {**way.arguments(walker, found[state]), "idempotency_key": "k"}
            answer, error = await walker.call(way.tool, **call)
            assert error, (way.tool, state, answer)
            assert answer["code"] == "state_conflict", (way.tool, state, answer)
            allowed = ", ".join(way.machine.get(state, ())) or "none: it is final"
            assert f"Allowed next: {allowed}." in answer["message"], (way.tool, state, answer)
            assert answer["details"]["current"] == state
            assert answer["hint"]
    assert await all_rows(store, ASKED) == before
