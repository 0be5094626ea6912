"""Prompts of the supply chain name tools, facts and the closing rule."""

import pytest

from tests.commerce.conftest import Shop
from tests.commerce.flows.last_mile import at, tour
from tradepost.commerce.flows.stock import stock_detail
from tradepost.commerce.flows.supply import supply_prompts
from tradepost.commerce.logistics.models import Carrier, Shipment
from tradepost.foundation.errors import InvalidArgument


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("review_reorders", {"warehouse": "Alpha", "budget": "500 EUR"}, "suggest_reorders(warehouse_id=WHA"),
        ("driver_unavailable", {"driver": "Cem", "date": "2026-03-02"}, "sick until 2026-03-05 10:00"),
        ("carrier_delay_impact", {"carrier": "ups", "date": "2026-03-02"}, "search_shipments(carrier=ups"),
    ],
)
async def test_prompts_say_facts_tools_and_the_closing_rule(
    shop: Shop, name: str, arguments: dict[str, str], said: str
) -> None:
    server = shop.offer(stock_detail.TOOLS, (), supply_prompts.PROMPTS)
    await shop.add(*tour(), Carrier(id="car_ups", code="ups", name="United Parcels"))
    late = {"order_id": "ord_2", "carrier_id": "car_ups", "status": "delayed", "promised_to": at(-3), "eta": at(5)}
    await shop.add(Shipment(id="shp_late", number="S-LATE", **late))
    got = await server.prompt(shop.caller(), name, arguments)
    text = got["messages"][0]["content"]["text"]
    assert said in text
    assert text.endswith("Propose; do not act without approval.")
    embedded = got["messages"][1]["content"]
    assert embedded["type"] == "resource"
    if name == "carrier_delay_impact":
        assert embedded["resource"]["uri"] == "shipment://S-LATE"


async def test_a_bad_date_is_one_sentence(shop: Shop) -> None:
    server = shop.offer((), (), supply_prompts.PROMPTS)
    await shop.add(*tour())
    with pytest.raises(InvalidArgument, match="'soon' is not a date"):
        await server.prompt(shop.caller(), "driver_unavailable", {"driver": "Cem", "date": "soon"})
    assert await server.prompt(shop.caller(), "driver_unavailable", {"driver": "Cem", "date": "today"})
    for budget in ("-5", "abc"):
        with pytest.raises(InvalidArgument, match="is no amount"):
            await server.prompt(shop.caller(), "review_reorders", {"warehouse": "Alpha", "budget": budget})
