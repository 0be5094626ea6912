"""The hub as it is put together is an authorization server, too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.engines import DatabaseUrls, Template
from tests.protocol.conftest import served
from tradepost.app import Tradepost
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.hub.vault.vault import open_vault
from tradepost.settings import load

PUBLIC = "https://hub.example"


def _migrate_hub(url: str) -> None:
    upgrade(url, "hub")


def _migrate_store(url: str) -> None:
    upgrade(url, "store")


@pytest.fixture
def database_template() -> Template:
    return Template("starter", _migrate_hub, _migrate_store)


@pytest.fixture(params=[True, False], ids=["registers", "plain"])
async def url(request: pytest.FixtureRequest, database_urls: DatabaseUrls, tmp_path: Path) -> AsyncIterator[str]:
    settings = load(
        data=tmp_path, hub_url=database_urls.hub, store_url=database_urls.store,
        public_url=PUBLIC, dynamic_registration=request.param,
    )  # fmt: skip
    hub, store = Database(settings.hub_database), Database(settings.store_database)
    vault = await open_vault(hub, settings.key_file)
    app = Tradepost(settings, hub, store, vault)
    async with served(app) as base:
        yield base


async def test_what_is_served(url: str, request: pytest.FixtureRequest):
    registers = "registers" in request.node.callspec.id
    async with httpx2.AsyncClient(base_url=url, headers={"host": "hub.example"}) as http:
        server = (await http.get("/.well-known/oauth-authorization-server")).json()
        challenge = (await http.post("/mcp", json={})).headers["www-authenticate"]
        spoken = (await http.get("/.well-known/protocols")).json()
        said = await http.post("/oauth/register", json={"client_name": "A", "redirect_uris": ["https://a.example/cb"]})
        assert server["issuer"] == PUBLIC
        metadata = f"{PUBLIC}/.well-known/oauth-protected-resource/mcp"
        assert challenge == f'Bearer scope="agent", resource_metadata="{metadata}"'
        assert spoken["oauth"]["protected_resource_metadata"] == metadata
        assert (await http.get(metadata.removeprefix(PUBLIC))).json()["resource"] == spoken["mcp"]["endpoint"]
        if not registers:
            assert said.status_code == 404
            assert "registration_endpoint" not in server
            return
        assert server["registration_endpoint"] == f"{PUBLIC}/oauth/register"
        asked = await http.get("/oauth/authorize", params={"client_id": said.json()["client_id"]})
        assert asked.headers["location"].startswith("/sign-in?")
