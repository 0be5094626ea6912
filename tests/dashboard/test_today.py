"""The first page: the operation at a glance, and where each part of it leads."""

import re

from tests.api.conftest import As
from tests.dashboard.conftest import Signed
from tradepost.app import Tradepost

CARDS = {
    "Late orders by cause": "/store/late",
    "At or below the reorder point": "/store/",
    "Returns that wait for a decision": "/store/returns",
    "Claims to be filed, by deadline": "/store/claims",
    "Calls in the last seven days": "/activity",
    "How long calls took": "/activity?since=",
    "Writes and approvals per agent": "/activity?agent_id=",
}


async def test_each_part_of_the_operation_leads_to_what_is_behind_it(signed: Signed, as_: As, hub: Tradepost) -> None:
    """A chart is a table with a bar in each row, and its numbers are words: nothing is in colors or lengths alone."""
    operator = await signed("operator")
    await as_("agent").get("/contacts/C-1")
    await operator.get("/store/orders")
    await hub.audit.drain()
    page = await operator.get("/today")
    cards = dict(re.findall(r"<section[^>]*><h2[^>]*>([^<]+)</h2>(.*?)</section>", page.text, re.S))
    for title, where in CARDS.items():
        assert f'href="{where}' in cards[title].replace("&amp;", "&"), title
    assert "19 of 20 calls took" in cards["How long calls took"]
    for chart in re.findall(r"<svg[^>]*>", page.text):
        assert 'aria-hidden="true"' in chart
    assert " style=" not in page.text


async def test_who_looks_again_is_told_what_needs_a_person_alone(signed: Signed, as_: As, hub: Tradepost) -> None:
    """A page that stays open asks every few seconds. It records no reads of the shop then, and the tiles follow."""
    viewer = await signed("viewer")
    before = (await as_("admin").get("/audit?limit=1"))["items"]
    await as_("agent").patch("/contacts/C-1", {"language": "fr"}, status=202)
    page = await viewer.get("/today", **{"tradepost-follows": "1"})
    assert 'id="tiles"' in page.text
    assert '<span class="count">1<' in page.text
    assert "Late orders by cause" not in page.text
    await hub.audit.drain()
    newer = (await as_("admin").get("/audit?limit=50"))["items"]
    seen = {one["id"] for one in before}
    assert not [one for one in newer if one["principal_kind"] == "user" and one["tool"] and one["id"] not in seen]


async def test_the_shop_is_weighed_once_in_half_a_minute_for_each_person(
    signed: Signed, as_: As, hub: Tradepost
) -> None:
    """What needs a person is of this moment. Charts are kept for whoever looked, and for nobody else."""
    operator, viewer = await signed("operator"), await signed("viewer")
    for browser in (operator, operator, viewer):
        assert "Late orders by cause" in (await browser.get("/today")).text
    await hub.audit.drain()
    read = (await as_("admin").get("/audit?tool=list_at_risk_orders"))["items"]
    assert len(read) == 2
    assert len({one["user_id"] for one in read}) == 2
    await as_("agent").patch("/contacts/C-1", {"language": "fr"}, status=202)
    assert '<span class="count">1<' in (await operator.get("/today")).text


async def test_what_runs_low_has_a_list(signed: Signed) -> None:
    viewer = await signed("viewer")
    assert (await viewer.get("/store/low")).status_code == 200
    assert (await viewer.get("/store/low?below=days_of_cover&days=30")).status_code == 200
    assert (await viewer.get("/store/low?below=nothing")).status_code == 400
