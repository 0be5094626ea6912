"""A workspace with the bundled servers registered, on both engines, and no shop in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engines import DatabaseUrls, Template
from tradepost.app import Tradepost, open_tradepost
from tradepost.database.migrate import upgrade
from tradepost.hub.access.models import Workspace
from tradepost.hub.access.workspaces import create_workspace
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.settings import load


def _migrate_hub(url: str) -> None:
    upgrade(url, "hub")


def _migrate_store(url: str) -> None:
    upgrade(url, "store")


@pytest.fixture
def database_template() -> Template:
    return Template("starter", _migrate_hub, _migrate_store)


@pytest.fixture
async def hub(database_urls: DatabaseUrls, tmp_path: Path) -> AsyncIterator[Tradepost]:
    settings = load(data=tmp_path, hub_url=database_urls.hub, store_url=database_urls.store)
    opened = await open_tradepost(settings)
    await opened.watch.start()
    yield opened
    await opened.watch.stop()
    await opened.connections.close()
    await opened.hub.close()
    await opened.store.close()


@pytest.fixture
async def workspace(hub: Tradepost) -> Workspace:
    made = (await create_workspace(hub.hub, "acme", "Acme", "owner@acme.example")).workspace
    await sync_builtin(hub.hub, made.id, hub.bundled)
    return made
