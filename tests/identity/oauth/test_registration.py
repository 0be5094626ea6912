"""Clients that register themselves, for as long as the operator lets them (security.md A13)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.hub.gateway.world import Facts
from tests.identity.oauth.world import CALLBACK, Hub, Program, running

METADATA: dict[str, Any] = {"client_name": "Old desk", "redirect_uris": [CALLBACK]}


@pytest.fixture
async def open_hub(facts: Facts) -> AsyncIterator[Hub]:
    async with running(facts, registration=True) as started:
        yield started


async def register(hub: Hub, **changes: Any) -> httpx2.Response:
    said = {name: value for name, value in {**METADATA, **changes}.items() if value is not None}
    return await hub.http.post(f"{hub.url}/oauth/register", json=said)


async def test_an_operator_may_end_it(hub: Hub):
    assert (await register(hub)).status_code == 404


async def test_a_client_registers_itself(open_hub: Hub):
    hub = open_hub
    server = (await hub.http.get(f"{hub.url}/.well-known/oauth-authorization-server")).json()
    assert server["registration_endpoint"] == f"{hub.url}/oauth/register"
    answer = await register(hub, token_endpoint_auth_method="client_secret_post", scope="read:inventory")
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert said["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in said
    browser, program = await hub.browser(), Program(said["client_id"])
    page = await browser.page(program)
    assert "Old desk" in page.answer.text
    tokens = await hub.tokens(program, browser)
    assert await hub.works(tokens["access_token"])


async def test_what_programs_send(open_hub: Hub):
    """Cursor's own three addresses, those of Claude's desktop app, and a program that gives no name."""
    hub = open_hub
    scheme = "cursor://anysphere.cursor-mcp/oauth/callback"
    cursor = [scheme, "https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback"]
    said = await register(hub, client_name="Cursor", redirect_uris=cursor, token_endpoint_auth_method="none")
    assert said.status_code == 201, said.text
    page = await (await hub.browser()).page(Program(said.json()["client_id"], redirect_uri=scheme))
    assert "Only go on if you have just started this yourself" in page.answer.text
    desktop = await register(hub, client_name="Claude", redirect_uris=["claude://claude.ai/mcp-auth-callback/sdk"])
    assert desktop.status_code == 201, desktop.text
    assert (await register(hub, client_name=None)).json()["client_name"] == "a program without a name"


async def test_a_hub_that_cannot_reach_the_makers_takes_no_documents(facts: Facts):
    async with running(facts, registration=True, reads_documents=False) as hub:
        server = (await hub.http.get(f"{hub.url}/.well-known/oauth-authorization-server")).json()
        assert server["client_id_metadata_document_supported"] is False
        browser, program = await hub.browser(), Program("https://app.example/client.json")
        refused = await browser.authorize(program.asks())
        assert refused.status_code == 400
        assert "has to register itself" in refused.text
        assert (await hub.redeem(program, "tpac_x")).json()["error"] == "invalid_client"


async def test_what_is_not_registered(open_hub: Hub):
    long = [f"https://app.example/{'x' * 500}{number}" for number in range(5)]
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [CALLBACK, "data:text/html,x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://app.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": [CALLBACK] * 11}, "invalid_redirect_uri"),
        ({"redirect_uris": long}, "invalid_client_metadata"),
        ({"client_name": "\u202e\u200b"}, "invalid_client_metadata"),
        ({"client_name": {}}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"], "response_types": ["token"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
    ]  # fmt: skip
    for changes, error in wrong:
        answer = await register(open_hub, **changes)
        assert (answer.status_code, answer.json()["error"]) == (400, error), changes
    url, kind = f"{open_hub.url}/oauth/register", {"content-type": "application/json"}
    for content, status in ((b"[]", 400), (b"{", 400), (b"{" + b" " * 20_000 + b"}", 413)):
        assert (await open_hub.http.post(url, content=content, headers=kind)).status_code == status


async def test_an_id_that_the_hub_did_not_make_is_unknown(open_hub: Hub, facts: Facts):
    client_id = (await register(open_hub)).json()["client_id"]
    browser = await open_hub.browser()
    longer = client_id[:-1] + ("A" if client_id[-1] != "A" else "B") + "A"
    spelt = f"tpdc_!{client_id.removeprefix('tpdc_')}"  # the same bytes to a lenient decoder
    for forged in (client_id[:-2], longer, spelt, "tpdc_", "tpdc_%%"):
        assert (await browser.authorize(Program(forged).asks())).status_code == 400
    async with running(facts) as closed:
        there = await closed.browser("owner")
        assert (await there.authorize(Program(client_id).asks())).status_code == 400
