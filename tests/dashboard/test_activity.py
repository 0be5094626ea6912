"""The record on pages: searched, one call in full, verified, exported."""

import pytest

from tests.api.conftest import As
from tests.dashboard.conftest import Signed
from tradepost.app import Tradepost


@pytest.mark.behaviour("S1.14", "S4.24")
async def test_calls_are_found_looked_at_verified_and_exported(signed: Signed, as_: As, hub: Tradepost) -> None:
    await as_("agent").get("/contacts/C-1")
    asked = await as_("agent").patch("/contacts/C-1", {"language": "fr"}, status=202, idempotency_key="w")
    await hub.audit.drain()
    admin = await signed("admin")
    everything, one_tool = await admin.get("/activity"), await admin.get("/activity?tool=get_customer&kind=read")
    assert "update_customer" in everything.text
    assert "get_customer" in one_tool.text
    assert "update_customer" not in one_tool.text
    assert 'value="get_customer"' in one_tool.text
    (row, *_) = (await as_("viewer").get(f"/audit?action_id={asked['approval_id']}"))["items"]
    call = await admin.get(f"/activity/{row['id']}")
    assert "Asked a person" in call.text
    assert asked["approval_id"] in call.text
    verified = await admin.post("/activity/verify")
    assert "Nothing was changed, removed or slipped in" in verified.text
    lines = await admin.get("/activity/export?tool=get_customer&format=jsonl")
    assert lines.headers["content-disposition"] == 'attachment; filename="audit.jsonl"'
    assert [line.count(b'"get_customer"') for line in lines.content.splitlines()] == [1]
    table = await admin.get("/activity/export?format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert len(table.content.splitlines()) > 2
    assert (await (await signed("viewer")).get("/activity/export")).status_code == 403


async def test_the_first_day_says_what_to_do(signed: Signed) -> None:
    """Nothing was called, nothing is connected: each page says so and how to begin."""
    owner = await signed("owner")
    for path, words in (
        ("/today", "Connect a client"),
        ("/approvals", "Nothing waits"),
        ("/integrations", "No server of others is connected yet"),
        ("/conversations", "Nobody has talked with an agent yet"),
        ("/knowledge", "Nothing is written down yet"),
    ):
        assert words in (await owner.get(path)).text, path
