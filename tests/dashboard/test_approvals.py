"""The queue: what waits for a person, what it would do, and the way to answer it."""

import re
from html import unescape

from tests.api.conftest import As
from tests.dashboard.conftest import Signed

EVIL = "<script>alert(1)</script>"


async def test_what_waits_is_answered_on_a_page(signed: Signed, as_: As) -> None:
    """S1.11: a write of an agent stands in the queue with what it would do, is looked at in full, and goes on when
    somebody has approved it. What the asker wrote is text."""
    agent, operator = as_("agent"), await signed("operator")
    assert "Nothing waits" in (await operator.get("/approvals")).text
    body = {"language": "fr", "note": EVIL}
    asked = await agent.patch("/contacts/C-1", body, status=202, idempotency_key="one")
    today, queue = await operator.get("/today"), await operator.get("/approvals")
    one, account = await operator.get(f"/approvals/{asked['approval_id']}"), await operator.get("/account")
    for page in (one, account):
        assert '<span class="count">1<' in page.text
    for page in (today, queue):
        assert f"/approvals/{asked['approval_id']}" in page.text
        assert '<span class="count">1<' in page.text
        assert EVIL not in page.text
    assert "asked by supply" in unescape(queue.text)
    card = await operator.get(f"/approvals/{asked['approval_id']}")
    assert EVIL not in card.text
    assert EVIL in unescape(card.text)
    hidden = dict(re.findall(r'name="(round|fingerprint)" value="([^"]*)"', card.text))
    sent = await operator.post(f"/approvals/{asked['approval_id']}", answer="approve", comment="fine", **hidden)
    assert sent.status_code == 303, sent.text
    state = "pending"
    while state not in ("succeeded", "failed"):
        state = (await agent.get(f"/approvals/{asked['approval_id']}"))["state"]
    assert state == "succeeded"
    assert asked["approval_id"] in (await operator.get("/approvals?state=succeeded")).text
    assert asked["approval_id"] not in (await operator.get("/approvals")).text


async def test_the_queue_is_filtered_in_the_address(signed: Signed, as_: As) -> None:
    viewer = await signed("viewer")
    asked = await as_("agent").patch("/contacts/C-2", {"language": "fr"}, status=202, idempotency_key="two")
    assert asked["approval_id"] in (await viewer.get("/approvals?agent=supply")).text
    other = await viewer.get("/approvals?agent=reader")
    assert asked["approval_id"] not in other.text
    assert "<option selected>reader</option>" in other.text


async def test_those_of_one_shape_are_answered_together(signed: Signed, as_: As) -> None:
    """Two that differ in whom they are about stand together once; one answer is for those with a tick, as they were
    looked at. Nobody else's and no other shape is among them."""
    agent, operator = as_("agent"), await signed("operator")
    asked = [
        (await agent.patch(f"/contacts/{contact}", {"language": language, "note": EVIL}, status=202))["approval_id"]
        for contact, language in (("C-1", "fr"), ("C-2", "fr"), ("C-3", "de"))
    ]
    queue = await operator.get("/approvals")
    (where,) = re.findall(r'href="(/approvals\?together=[^"]+)"', queue.text)
    assert "2 writes" in queue.text
    assert "together=" not in (await operator.get("/approvals?agent=reader")).text
    assert "together=" not in (await (await signed("viewer")).get("/approvals")).text
    page = await operator.get(unescape(where))
    assert EVIL not in page.text
    assert EVIL in unescape(page.text)
    members = dict(re.findall(r'name="(member:[^"]+)" value="([^"]+)" checked', page.text))
    assert members.keys() == {f"member:{one}" for one in asked[:2]}
    (shape,) = re.findall(r'name="shape" value="([^"]+)"', page.text)
    wrong = dict.fromkeys(members, "sha256:" + "0" * 64)
    stale = await operator.post("/approvals", answer="approve", shape=shape, **wrong)
    assert stale.status_code == 409
    assert "are not those that the answer names" in stale.text
    assert (await operator.post("/approvals", answer="approve", shape=shape)).status_code == 400
    sent = await operator.post("/approvals", answer="reject", comment="not now", shape=shape, **members)
    assert sent.headers["location"] == "/approvals?done=reject&count=2", sent.text
    assert "2 writes rejected." in (await operator.get(sent.headers["location"])).text
    assert [(await agent.get(f"/approvals/{one}"))["state"] for one in asked] == ["rejected", "rejected", "pending"]
    assert (await operator.get(unescape(where))).headers["location"] == "/approvals"
