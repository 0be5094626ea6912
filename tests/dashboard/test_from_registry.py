"""A server is picked from an MCP registry on pages: found, asked for what it wants, kept, and tested next."""

import pytest

from tests.api.conftest import As
from tests.dashboard.conftest import Signed
from tests.hub.registration.registry_double import entry, running_registry

SECRET = "CANARY-91ab"
EVIL = "<script>alert(1)</script>"
LIST, ADD = "/integrations/new/registry", "/integrations/new/registry/add"


@pytest.mark.behaviour("S4.25")
async def test_a_server_is_picked_from_a_registry(signed: Signed, as_: As) -> None:
    """What its publisher says is text; a secret is on no page; packages cannot be added; a dead registry is told."""
    admin = await signed("admin")
    secret = {"name": "Authorization", "isRequired": True, "isSecret": True, "description": f"Your key {EVIL}"}
    remotes = [
        {"type": "sse", "url": "http://127.0.0.1:18099/sse"},
        {"type": "streamable-http", "url": "http://127.0.0.1:18099/mcp", "headers": [secret]},
    ]
    program = {"registryType": "npm", "identifier": "courier", "version": "1", "transport": {"type": "stdio"}}
    offers = (
        entry("com.example/tracker", title=f"Parcels {EVIL}", remotes=remotes),
        entry("com.example/courier", packages=[program]),
    )
    assert "pick a server from an MCP registry" in (await admin.get("/integrations/new")).text
    async with running_registry(*offers) as registry:
        before = await admin.get(LIST)
        assert "before you press Look" in before.text
        assert registry.asked == []
        found = await admin.get(f"{LIST}?registry={registry.url}")
        assert "com.example/tracker" in found.text
        assert "the operator adds it" in found.text
        assert EVIL not in found.text
        asked = await admin.get(f"{ADD}?registry={registry.url}&name=com.example/tracker")
        assert "Sealed at once" in asked.text
        assert "/mcp" in asked.text
        assert EVIL not in asked.text
        wanted = {"registry": registry.url, "name": "com.example/tracker", "version": "1.0.2", "slug": "Not good"}
        wrong = await admin.post(ADD, **wanted, **{"value:Authorization": f"Bearer {SECRET}"})
        assert wrong.status_code == 400
        assert 'value="Not good"' in wrong.text
        missing = await admin.post(ADD, **{**wanted, "slug": ""})
        assert 'aria-invalid="true"' in missing.text
        made = await admin.post(ADD, **{**wanted, "slug": ""}, **{"value:Authorization": f"Bearer {SECRET}"})
        assert made.headers["location"] == "/integrations/tracker/test", made.text
        gone = await admin.get(f"{ADD}?registry={registry.url}&name=com.example/nobody")
        assert gone.status_code == 404
        registry.status, registry.raw = 500, b""
        dead = await admin.get(f"{LIST}?registry={registry.url}")
        assert 'role="alert"' in dead.text
    for page in (wrong, missing, await admin.get("/integrations/tracker")):
        assert SECRET not in page.text
    inside = await admin.get(f"{LIST}?registry=http://169.254.169.254")
    assert inside.status_code == 400
    assert (await (await signed("viewer")).get(f"{LIST}?registry=http://x")).status_code == 403
