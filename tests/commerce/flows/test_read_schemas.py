"""What the reads of orders, customers and products give is what their published schemas promise, in every detail."""

from typing import Any

import jsonschema_rs
import orjson
import pytest

from tests.commerce.books import days, line, order, payment
from tests.commerce.conftest import Shop
from tests.commerce.flows.lateness_rows import ground, shipment, sick, stop
from tradepost.commerce.customers import search, update
from tradepost.commerce.flows.accounts import customer_detail, product_detail, product_search
from tradepost.commerce.flows.orders import at_risk, order_detail, order_search
from tradepost.commerce.serving.schema import MAX_INPUT_BYTES, MAX_OUTPUT_BYTES

MODULES = (order_detail, order_search, at_risk, customer_detail, product_detail, product_search, search, update)
TOOLS = [tool for module in MODULES for tool in module.TOOLS]
LISTS: list[tuple[str, dict[str, Any]]] = [
    ("search_orders", {}),
    ("list_at_risk_orders", {}),
    ("search_products", {}),
    ("search_customers", {"query": "Smith"}),
]
LIST_CALLS = [
    (name, {**arguments, **extra})
    for name, arguments in LISTS
    for extra in ({"detail": "summary"}, {"detail": "full"}, {"fields": ["number"]})
]
DETAIL_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("get_order", {"order_id": "1", "include": ["shipments", "payments", "returns", "timeline", "notes"]}),
    ("get_customer", {"customer_id": "CUST-c1", "free_text": True}),
    ("get_product", {"sku": "A"}),
]


async def test_answers_keep_the_published_schema(shop: Shop, subtests: pytest.Subtests) -> None:
    shop.offer(TOOLS)
    late = order("1", promised_to=days(-2), warehouse_id="loc_W1")
    rows = [line(late, 1, "A"), shipment(late), payment(late), sick(), stop(late, driver_id="drv_Kim")]
    await shop.add(*ground(), late, *rows)
    for name, arguments in LIST_CALLS + DETAIL_CALLS:
        with subtests.test(name=name, arguments=arguments):
            tool = next(tool for tool in TOOLS if tool.name == name)
            answer = await shop.call(name, **arguments)
            assert answer.get("items", True)
            jsonschema_rs.validator_for(tool.output_schema).validate(answer)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_definitions_are_small_and_their_examples_valid(tool: Any) -> None:
    assert len(orjson.dumps(tool.input_schema)) <= MAX_INPUT_BYTES
    assert len(orjson.dumps(tool.output_schema)) <= MAX_OUTPUT_BYTES
    assert len(tool.description) <= 600
    for schema in tool.input_schema["properties"].values():
        assert schema["description"]
        for example in schema["examples"]:
            jsonschema_rs.validator_for(schema).validate(example)


async def test_twin_workspace_with_the_same_ids_changes_no_answer(shop: Shop) -> None:
    shop.offer(TOOLS)
    calls = [*DETAIL_CALLS, *((name, {**arguments, "detail": "full"}) for name, arguments in LISTS)]
    before: list[dict[str, Any]] = []
    for workspace in ("wsp_test", "wsp_other"):
        late = order("1", promised_to=days(-2), warehouse_id="loc_W1")
        rows = [line(late, 1, "A", 3), shipment(late), payment(late), sick(), stop(late, driver_id="drv_Kim")]
        stamped = [*ground(), late, *rows]
        for row in stamped:
            row.created_at = days(-1)
        await shop.add(*stamped, workspace=workspace)
        answers = [await shop.call(name, **arguments) for name, arguments in calls]
        before = before or answers
        assert answers == before
