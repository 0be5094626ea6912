"""A migrated hub database on both engines, and a workspace in it."""

from collections.abc import AsyncIterator

import pytest

from tests.engines import DatabaseUrls, Template
from tests.hub.world import World, founding
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.hub.registry.watch import RegistryWatch


def _migrate_hub(url: str) -> None:
    upgrade(url, "hub")


def _leave_empty(_url: str) -> None:
    """The tests here need no store."""


@pytest.fixture
def database_template(request: pytest.FixtureRequest) -> Template:
    if "world" in request.fixturenames:
        return Template("hub_founded", founding, _leave_empty)
    return Template("hub", _migrate_hub, _leave_empty)


@pytest.fixture
async def database(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    opened = Database(database_urls.hub)
    yield opened
    await opened.close()


@pytest.fixture
async def watch(database: Database) -> AsyncIterator[RegistryWatch]:
    started = RegistryWatch(database)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
async def world(database: Database, database_urls: DatabaseUrls) -> World:
    """The workspace `acme` with its owner and the agent `helper` in the profile `team`."""
    return World(database, *database_urls.known)
