"""Finding policy clauses by words, topic and clause id."""

import json

from tests.commerce.conftest import Shop
from tradepost.commerce.flows.accounts.policy_search import RESOURCES, TOOLS
from tradepost.commerce.orders.models import OrderPolicy
from tradepost.commerce.support.models import PolicyClause


async def fill(shop: Shop) -> None:
    shop.offer(TOOLS, RESOURCES)
    clauses = [
        ("RET-1", "returns", "Return window", "Goods may come back within 30 days of delivery."),
        ("RET-2", "returns", "Fees", "A 10% fee applies to opened electronics. RÜCKGABE kostet nichts."),
        ("SHP-1", "shipping", "Cut-off", "Orders by noon ship the same day."),
        ("APR-1", "approvals", "Refunds", "Refunds above 50.00 need a person."),
    ]
    rows = [
        PolicyClause(id=f"pcl_{clause}", clause=clause, topic=topic, title=title, body=body, position=position)
        for position, (clause, topic, title, body) in enumerate(clauses)
    ]
    rules = [
        OrderPolicy(id="opl_1", name="return_window_days", value=30, clause_id="RET-1"),
        OrderPolicy(id="opl_2", name="max_item_edits", value=1),
    ]
    await shop.add(*rows, *rules)


async def found(shop: Shop, **arguments: object) -> list[str]:
    return [item["clause"] for item in (await shop.call("search_policies", **arguments))["items"]]


async def test_words_match_in_any_order_and_case(shop: Shop) -> None:
    await fill(shop)
    assert await found(shop, q="WINDOW return") == ["RET-1"]
    assert await found(shop, q="returns days") == ["RET-1"]
    assert await found(shop, q="rückgabe") == ["RET-2"]
    assert await found(shop, q="10%") == ["RET-2"]
    assert await found(shop, q="r_t%") == []
    assert await found(shop, q="noon", topic="returns") == []
    assert await found(shop, topic="shipping") == ["SHP-1"]
    assert await found(shop) == ["APR-1", "RET-1", "RET-2", "SHP-1"]


async def test_without_a_full_match_clauses_with_some_words_come_and_the_text_says_so(shop: Shop) -> None:
    await fill(shop)
    result = await shop.result("search_policies", q="is opened headphone allowed?")
    assert result.structured is not None
    assert [item["clause"] for item in result.structured["items"]] == ["RET-2"]
    assert result.content[0]["text"].startswith("No clause has all the words")
    nothing = await shop.result("search_policies", q="xyzzy")
    assert nothing.content[0]["text"].startswith("No policy clauses found")


async def test_clause_by_id_carries_its_rules_and_unknown_ones_are_named(shop: Shop) -> None:
    await fill(shop)
    (item,) = (await shop.call("search_policies", clause="ret-1"))["items"]
    assert item["rules"] == [{"name": "return_window_days", "category": "", "value": 30}]
    assert (await shop.refused("search_policies", clause="RET-9"))["code"] == "not_found"
    assert (await shop.refused("search_policies", clause="RET-1", q="x"))["field"] == "clause"
    page = await shop.call("search_policies", q="item edits")
    assert page["rules"] == [{"name": "max_item_edits", "category": "", "value": 1}]


async def test_topic_resources_show_the_clauses(shop: Shop) -> None:
    await fill(shop)
    for topic, clauses in (("returns", ["RET-1", "RET-2"]), ("shipping", ["SHP-1"]), ("approvals", ["APR-1"])):
        shown = await shop.servers[0].read(shop.caller(), f"policy://{topic}")
        value = json.loads(shown["contents"][0]["text"])
        assert [item["clause"] for item in value["items"]] == clauses
        assert value["items"] == (await shop.call("search_policies", topic=topic))["items"]
    other = await shop.servers[0].read(shop.caller("wsp_other"), "policy://returns")
    assert json.loads(other["contents"][0]["text"])["items"] == []


async def test_parts_of_long_words_and_scripts_without_spaces_are_found(shop: Shop) -> None:
    shop.offer(TOOLS, RESOURCES)
    texts = [
        ("DE-1", "Rückgabefrist", "Die Frist beträgt 30 Tage ab Lieferung."),
        ("JA-1", "返品について", "商品到着後三十日以内に返品できます。"),
        ("FR-1", "Échanges", "L'échange est gratuit pour les œuvres d'art."),
    ]
    rows = [
        PolicyClause(id=f"pcl_{clause}", clause=clause, topic="returns", title=title, body=body)
        for clause, title, body in texts
    ]
    await shop.add(*rows)
    assert await found(shop, q="gabefrist") == ["DE-1"]
    assert await found(shop, q="RUCKGABE") == ["DE-1"]
    assert await found(shop, q="返品") == ["JA-1"]
    assert await found(shop, q="echange oeuvre") == ["FR-1"]
    for odd in ('"', "a OR b*", "NEAR(x", "';--", "a:* & b", "\\", "%", "😀"):
        assert await found(shop, q=odd) == [], odd
