"""What holds for the whole workspace, on one page."""

import re
from html import unescape

import pytest

from tests.api.conftest import As
from tests.dashboard.conftest import Signed

EVIL = "<svg onload=alert(1)>"


@pytest.mark.behaviour("S2.24", "S4.25")
async def test_each_part_is_changed_and_holds(signed: Signed, as_: As) -> None:
    admin = await signed("admin")
    assert "Time zone" in (await admin.get("/settings")).text
    zone = await admin.post("/settings/zone", time_zone="Europe/Amsterdam")
    assert zone.headers["location"] == "/settings?done=zone"
    assert (await as_("admin").get("/policy/rules"))["time_zone"] == "Europe/Amsterdam"
    await admin.get("/settings")
    assert (await admin.post("/settings/recording", arguments="digest", keep_days="400")).status_code == 303
    kept = await as_("admin").get("/audit-settings")
    assert (kept["arguments"], kept["keep_days"]) == ("digest", 400)
    await admin.post("/settings/recording", arguments="masked", keep_days="")
    assert (await as_("admin").get("/audit-settings"))["keep_days"] is None
    await admin.post("/settings/conversations", redact_days="30", keep_days="")
    assert await as_("admin").get("/conversations/rules") == {"redact_days": 30, "keep_days": None}
    rules = {"rule:changed_tools": "keep", "rule:visible_tools": "40", "rule:result_tokens": ""}
    assert (await admin.post("/settings/registry", None, **rules)).status_code == 303
    shown = {one["name"]: one["value"] for one in (await as_("admin").get("/registry-rules"))["rules"]}
    assert (shown["changed_tools"], shown["visible_tools"]) == ("keep", 40)
    assert (await admin.post("/settings/notifications")).status_code == 303
    assert (await admin.get("/settings")).text.count(" checked") == 0


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("zone", {"time_zone": f"Mars/{EVIL}"}),
        ("recording", {"arguments": "masked", "keep_days": "soon"}),
        ("conversations", {"redact_days": "-1"}),
        ("registry", {"rule:visible_tools": "0"}),
        ("registry", {"rule:nothing": "1"}),
        ("webhooks", {"name": "hook", "url": "ftp://x", "form": "standard"}),
    ],
)
async def test_what_cannot_be_is_said_and_changes_nothing(
    signed: Signed, as_: As, part: str, fields: dict[str, str]
) -> None:
    admin = await signed("admin")
    before = (await admin.get("/settings")).text
    said = await admin.post(f"/settings/{part}", None, **fields)
    assert said.status_code in (400, 409, 422), said.text
    assert 'role="alert"' in said.text
    assert EVIL not in said.text
    assert (await admin.get("/settings")).text.count("<section") == before.count("<section")


async def test_who_may_not_change_has_no_buttons(signed: Signed) -> None:
    viewer = await signed("viewer")
    page = await viewer.get("/settings")
    assert page.status_code == 200
    forms = re.findall(r"<form method=\"post\" action=\"(/settings/[^\"]*)\">(.*?)</form>", page.text, re.DOTALL)
    assert [where for where, inner in forms if "<button" in inner] == ["/settings/notifications"]
    assert (await viewer.post("/settings/zone", time_zone="UTC")).status_code == 403
    assert (await viewer.post("/settings/webhooks", name="x", url="https://a.test/x", form="slack")).status_code == 403


async def test_a_webhook_is_added_paused_and_removed(signed: Signed, as_: As) -> None:
    """Its secret is there once, its address never."""
    admin = await signed("admin")
    await admin.get("/settings")
    made = await admin.post(
        "/settings/webhooks", name="desk", url="http://127.0.0.1:18099/T0-very-secret", form="standard"
    )
    assert "whsec_" in made.text, unescape(made.text)
    (hook,) = (await as_("admin").get("/webhooks"))["items"]
    page = await admin.get("/settings")
    assert "whsec_" not in page.text
    assert "T0-very-secret" not in page.text + made.text
    assert (await admin.post(f"/settings/webhooks/{hook['id']}", what="pause")).status_code == 303
    assert (await as_("admin").get(f"/webhooks/{hook['id']}"))["state"] == "paused"
    assert (await admin.post(f"/settings/webhooks/{hook['id']}", what="begin")).status_code == 303
    tried = await admin.post(f"/settings/webhooks/{hook['id']}", what="test")
    assert "It was not delivered" in tried.text
    assert (await admin.post(f"/settings/webhooks/{hook['id']}", what="remove")).status_code == 303
    assert (await as_("admin").get("/webhooks"))["items"] == []
