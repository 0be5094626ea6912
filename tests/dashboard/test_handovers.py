"""Customers who wait for a person: seen on the first page, answered on a page of their own."""

from tests.api.conftest import As
from tests.api.shopping import open_shop
from tests.api.world import Side
from tests.dashboard.conftest import Signed
from tradepost.app import Tradepost

CHATS = "/shopper/conversations"
EVIL = "<script>alert(1)</script>"


async def test_a_waiting_customer_is_answered_on_a_page(signed: Signed, as_: As, hub: Tradepost, acme: Side) -> None:
    """S1.18: the queue, the whole context, taking, answering, closing; what the customer wrote is text."""
    await open_shop(hub, acme)
    operator, viewer = await signed("operator"), await signed("viewer")
    assert "No customer waits" in (await operator.get("/handovers")).text
    made = await as_("admin").post("/shopper-sessions", {"customer": "C-1"})
    customer = as_(secret=made["token"])
    chat = (await customer.post(CHATS, {}))["id"]
    await customer.post(f"{CHATS}/{chat}/person", {}, status=200)
    await customer.post(f"{CHATS}/{chat}/messages", {"message": f"Help {EVIL}"}, status=202)
    (waiting,) = (await as_("operator").get("/handovers"))["items"]
    assert f"/handovers/{waiting['id']}" in (await operator.get("/handovers")).text
    assert 'href="/handovers?state=waiting" class="needs"' in (await operator.get("/today")).text
    assert "/handovers?state" not in (await viewer.get("/today")).text
    assert (await viewer.get("/handovers")).status_code == 403
    page = await operator.get(f"/handovers/{waiting['id']}")
    assert "/store/customers/C-1" in page.text
    assert EVIL not in page.text
    assert "Help &lt;script&gt;" in page.text
    sent = await operator.post(f"/handovers/{waiting['id']}/answer", message="I am here.")
    assert sent.status_code == 303, sent.text
    seen = await customer.get(f"{CHATS}/{chat}")
    assert [one["text"] for one in seen["messages"]][-1] == "I am here."
    other = await (await signed("admin")).get(f"/handovers/{waiting['id']}")
    assert "Take it over" in other.text
    assert (await operator.post(f"/handovers/{waiting['id']}/close")).status_code == 303
    again = await operator.post(f"/handovers/{waiting['id']}/answer", message="more")
    assert again.status_code == 409
    assert 'role="alert"' in again.text
