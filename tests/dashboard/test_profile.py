"""A profile: made, changed, and what its agents see through it."""

from html import unescape

import pytest

from tests.api.conftest import As
from tests.dashboard.conftest import Signed

EVIL = "<svg onload=alert(1)>"


@pytest.mark.behaviour("S0.21", "S4.25")
async def test_it_is_made_and_changed(signed: Signed, as_: As) -> None:
    admin, api = await signed("admin"), as_("admin")
    await admin.get("/agents")
    made = await admin.post("/profiles", slug="desk", name=f"Desk {EVIL}", posture="guarded")
    assert made.headers["location"] == "/profiles/desk?done=made"
    page = await admin.get("/profiles/desk")
    assert EVIL not in page.text
    assert EVIL in unescape(page.text)
    assert (await admin.post("/profiles/desk", posture="propose")).status_code == 303
    assert (await api.get("/profiles/desk"))["posture"] == "propose"
    await api.send("POST", "/assignments", {"server": "orders", "tool": "get_order", "profile": "desk"})
    (one,) = (await api.get("/assignments?profile=desk"))["items"]
    assert one["id"] in (await admin.get("/profiles/desk")).text
    assert (await admin.post(f"/profiles/desk/assignments/{one['id']}")).status_code == 303
    assert (await api.get("/assignments?profile=desk"))["items"] == []
    await admin.get("/profiles/desk")
    assert (await admin.post("/profiles/desk", kind="email", show="masked", but_for="admin")).status_code == 303
    rules = (await api.get("/profiles/desk/fields"))["rules"]
    assert rules == [{"kind": "email", "show": "masked", "but_for": "admin"}]
    assert (await admin.post("/profiles/desk", unset="email")).status_code == 303
    assert (await api.get("/profiles/desk/fields"))["rules"] == []


async def test_what_cannot_be_is_said(signed: Signed) -> None:
    admin = await signed("admin")
    await admin.get("/agents")
    kept = await admin.post("/profiles", slug="Not A Slug", name="Kept", posture="propose")
    assert kept.status_code == 400
    assert 'value="Kept"' in kept.text
    await admin.get("/profiles/internal")
    wrong = await admin.post("/profiles/internal", kind="shoes", show="masked")
    assert wrong.status_code == 400
    assert 'value="shoes"' in wrong.text
    assert (await admin.post("/profiles/internal", posture="careless")).status_code == 400
    assert (await admin.get("/profiles/nothing")).status_code == 404
    viewer = await signed("viewer")
    page = await viewer.get("/profiles/internal")
    assert page.status_code == 200
    assert "<button" not in page.text.split("<main", 1)[1].split("</main>", 1)[0]
    assert (await viewer.post("/profiles/internal", posture="guarded")).status_code == 403
