"""A workspace with the bundled servers registered, on both engines, and no shop in it."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.engines import DatabaseUrls, Template
from tradepost.app import Tradepost, open_tradepost
from tradepost.commerce.servers import build_servers
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.foundation.caller import Caller
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import Workspace
from tradepost.hub.access.roles import system_caller
from tradepost.hub.access.workspaces import create_workspace
from tradepost.hub.gateway.activity_server import ActivityServer
from tradepost.hub.gateway.hub_server import HubServer
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.protocol.builtin import BuiltinServer
from tradepost.settings import load
from tradepost.starter.setup import set_up_agents


async def _found(url: str, agents: bool) -> None:
    database = Database(url)
    made = (await create_workspace(database, "acme", "Acme", "owner@acme.example")).workspace
    bundled: list[BuiltinServer] = [HubServer(database), ActivityServer(database), *build_servers(database)]
    await sync_builtin(database, made.id, bundled)  # which asks none of them anything about a store
    if agents:
        await set_up_agents(database, made.id)
    await database.close()


def _founding(url: str, agents: bool) -> None:
    upgrade(url, "hub")
    asyncio.run(_found(url, agents))


def _migrate_store(url: str) -> None:
    upgrade(url, "store")


@pytest.fixture
def database_template(request: pytest.FixtureRequest) -> Template:
    agents = "by" in request.fixturenames
    return Template(
        "starter_agents" if agents else "starter_founded", partial(_founding, agents=agents), _migrate_store
    )


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
    async with hub.hub.system(write=False) as session:
        return (await session.scalars(select(Workspace))).one()


@pytest.fixture
def by(workspace: Workspace) -> Caller:
    """For tests in which the shop's agents and profiles are set up."""
    return system_caller(workspace.id, new_id("req"))
