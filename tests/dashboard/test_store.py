"""The shop's records for people: over REST with their keys, and on pages, by the same reads."""

import pytest

from tests.api.conftest import As
from tests.api.world import Side, add_customers, problem
from tests.dashboard.conftest import Signed
from tradepost.app import Tradepost
from tradepost.commerce.store import listing
from tradepost.dashboard.arranging import arranged


async def test_people_read_the_shop_by_their_role(as_: As, rival: Side, hub: Tradepost, acme: Side) -> None:
    """Reads of the bundled servers alone; personal data from operators up; disabled acts on the next call; recorded."""
    viewer, operator = as_("viewer"), as_("operator")
    names = {one["name"] for one in (await viewer.get("/reads"))["items"]}
    assert {"get_customer", "search_orders", "list_low_stock"} <= names
    assert not names & {"update_customer", "create_reorder", "get_my_order", "list_my_orders", "get_approval"}
    asked = {"arguments": {"customer_id": "C-1"}}
    seen = await operator.post("/reads/get_customer", asked, status=200)
    assert seen["result"]["email"] == "jo1@buyers.test"
    masked = await viewer.post("/reads/get_customer", asked, status=200)
    assert "jo1@buyers.test" not in str(masked)
    assert masked["result"]["number"] == "C-1"
    for tool in ("update_customer", "get_my_order", "get_approval", "nothing"):
        problem(await viewer.send("POST", f"/reads/{tool}", {"arguments": {}}), 404, "not_found")
    wrong = problem(
        await viewer.send("POST", "/reads/get_customer", {"arguments": {"who": 1}}), 400, "invalid_argument"
    )
    assert "who" in wrong["detail"]
    problem(await as_("agent").send("POST", "/reads/get_customer", asked), 403, "forbidden_scope")
    theirs = {"arguments": {"customer_id": "C-99"}}
    problem(await viewer.send("POST", "/reads/get_customer", theirs), 404, "not_found")
    assert (await as_("viewer", rival).post("/reads/get_customer", theirs, status=200))["result"]["number"] == "C-99"
    await hub.audit.drain()
    rows = (await viewer.get(f"/audit?tool=get_customer&user_id={acme.users['operator']}"))["items"]
    assert [(row["kind"], row["principal_kind"], row["outcome"]) for row in rows] == [("read", "user", "ok")]
    await as_("admin").patch("/servers/customers/tools/get_customer", {"enabled": False})
    problem(await operator.send("POST", "/reads/get_customer", asked), 404, "not_found")


async def test_records_have_pages(signed: Signed) -> None:
    """Lists with filters in the address, one record with what belongs to it; wrong words are said on the page."""
    operator, viewer = await signed("operator"), await signed("viewer")
    found = await operator.get("/store/customers?query=Buyer2")
    assert "/store/customers/C-2" in found.text
    shown = await operator.get("/store/customers/C-2")
    assert "jo2@buyers.test" in shown.text
    assert "/store/customers/C-2" in (await operator.get("/store/customers?query=C-2")).text
    assert "jo2@buyers.test" not in (await viewer.get("/store/customers/C-2")).text
    for section in (
        "orders",
        "late",
        "inventory",
        "deliveries",
        "returns",
        "claims",
        "payouts",
        "disputes",
        "purchasing",
    ):
        page = await viewer.get(f"/store/{section}")
        assert page.status_code == 200, (section, page.text)
        assert "The shop has none" in page.text, section
    assert (await viewer.get("/store/orders/none")).status_code == 404
    assert (await viewer.get("/store/songs")).status_code == 404
    wrong = await viewer.get("/store/orders?status=lost")
    assert wrong.status_code == 400
    assert 'role="alert"' in wrong.text
    assert (await viewer.get("/store")).headers["location"] == "/store/orders"


async def test_a_list_that_is_too_long_to_be_counted_has_a_page(
    signed: Signed, hub: Tradepost, acme: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shop counts to 10,000 and says "10,000+" then, in words where there was a number."""
    monkeypatch.setattr(listing, "EXACT_ESTIMATE_UP_TO", 30)
    await add_customers(hub.store, acme, range(1_000, 1_060))
    page = await (await signed("operator")).get("/store/customers?query=jo")
    assert page.status_code == 200
    assert "about 30+ in all" in page.text


def test_a_record_is_arranged_for_people() -> None:
    """What they look for comes first, amounts stand in words, and what is empty is named once."""
    record = {
        "number": "1001",
        "canceled_at": None,
        "notes": [],
        "customer": {"number": "C-1", "name": "Jo"},
        "totals": {"currency": "EUR", "total_minor": 3765, "display": {"subtotal": "€32.70", "total": "€37.65"}},
        "lines": [{"sku": "A", "options": {}, "note": None}, {"sku": "B", "options": {}, "note": "fragile"}],
        "status": "open",
    }
    shown, empty = arranged(record)
    assert list(shown) == ["status", "lines", "totals", "number", "customer"]
    assert empty == ["canceled_at", "notes"]
    assert shown["totals"] == {"subtotal": "€32.70", "total": "€37.65", "currency": "EUR", "total_minor": 3765}
    assert shown["lines"] == [{"sku": "A", "note": None}, {"sku": "B", "note": "fragile"}]
