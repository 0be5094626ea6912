"""A world per test: a hub with the test shop, on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engines import DatabaseUrls, Template
from tests.hub.gateway.world import Facts, World, found, opened
from tradepost.database import migrate


@pytest.fixture
def database_template() -> Template:
    return Template("hub", hub=_upgrade, store=lambda url: None)


def _upgrade(url: str) -> None:
    migrate.upgrade(url, "hub")


@pytest.fixture
async def facts(database_urls: DatabaseUrls, tmp_path: Path) -> Facts:
    return await found(database_urls.hub, tmp_path / "ledger.db")


@pytest.fixture
async def world(facts: Facts) -> AsyncIterator[World]:
    async with opened(facts) as world:
        yield world


@pytest.fixture
async def guarded(database_urls: DatabaseUrls, tmp_path: Path) -> AsyncIterator[World]:
    """A world whose agents may write without asking, except what destroys or moves money."""
    async with opened(await found(database_urls.hub, tmp_path / "ledger.db", "guarded")) as world:
        yield world
