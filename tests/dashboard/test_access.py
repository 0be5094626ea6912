"""People, keys and what programs may do: invited, minted, ended on one page; secrets are shown once."""

import re
from html import unescape

from tests.api.conftest import As
from tests.api.world import Side
from tests.dashboard.conftest import Signed

EVIL = "<svg onload=alert(1)>"


async def test_people_and_keys_are_cared_for(signed: Signed, as_: As, acme: Side) -> None:
    owner = await signed("owner")
    await owner.get("/access")
    invited = await owner.post("/access/invitations", email="new@acme.test", name="<b>New</b>", role="viewer")
    link = re.search(r"http://[^<\s]+/invitation/[A-Za-z0-9_-]+", invited.text)
    assert link is not None
    assert link[0] not in (await owner.get("/access")).text
    made = await owner.post("/access/keys", holder="agent:supply", label="a desk", expires_at="")
    key = re.search(r"tp_[a-z0-9]{8}_[A-Za-z0-9_-]+", made.text)
    assert key is not None
    assert (await as_(secret=key[0]).get("/me"))["agent"]["slug"] == "supply"
    page = await owner.get("/access")
    assert key[0] not in page.text
    (kept,) = [one for one in (await as_("admin").get("/keys"))["items"] if one["label"] == "a desk"]
    assert (await owner.post(f"/access/keys/{kept['id']}/revoke")).status_code == 303
    assert (await as_(secret=key[0]).send("GET", "/me")).status_code == 401
    assert (await owner.post(f"/access/people/{acme.users['operator']}", role="viewer")).status_code == 303
    assert (await as_("operator").get("/me"))["user"]["role"] == "viewer"
    assert (await owner.post(f"/access/people/{acme.users['operator']}", status="disabled")).status_code == 303
    assert (await as_("operator").send("GET", "/me")).status_code == 401
    (grant,) = (await as_("admin").get("/oauth-grants"))["items"]
    assert (await owner.post(f"/access/grants/{grant['id']}/revoke")).status_code == 303
    assert (await as_("admin").get("/oauth-grants"))["items"] == []
    refused = await owner.post("/access/invitations", email="not an address", role="viewer")
    assert refused.status_code == 400
    assert 'value="not an address"' in unescape(refused.text)
    viewer = await signed("viewer")
    seen = await viewer.get("/access")
    assert "Mint a key" not in seen.text
    assert (await viewer.post("/access/keys", holder="agent:supply")).status_code == 403


async def test_a_program_is_registered_and_disabled(signed: Signed, as_: As) -> None:
    """One that asks people, and one that acts as an agent: its secret is there once."""
    admin, viewer = await signed("admin"), await signed("viewer")
    await admin.get("/access")
    plain = await admin.post("/access/clients", name=f"Desk {EVIL}", redirect_uris="https://app.example/callback")
    assert plain.status_code == 200
    assert EVIL not in plain.text
    own = await admin.post("/access/clients", name="Night job", agent="supply")
    secret = re.search(r"Its secret, shown only now: <code>([^<]+)</code>", own.text)
    assert secret is not None, own.text
    listed = {one["name"]: one for one in (await as_("admin").get("/oauth-clients"))["items"]}
    assert listed["Night job"]["proof"] == "secret"
    page = await admin.get("/access")
    assert secret[1] not in page.text
    done = await admin.post(f"/access/clients/{listed['Night job']['id']}/disable")
    assert done.status_code == 303
    assert (await as_("admin").get(f"/oauth-clients/{listed['Night job']['id']}"))["status"] == "disabled"
    wrong = await admin.post("/access/clients", name="Odd", redirect_uris="javascript:alert(1)")
    assert wrong.status_code == 400
    assert 'role="alert"' in wrong.text
    assert "OAuth clients" not in (await viewer.get("/access")).text
    assert (await viewer.post("/access/clients", name="x", redirect_uris="https://a.example/x")).status_code == 403
