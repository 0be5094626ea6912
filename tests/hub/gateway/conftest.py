"""A world per test: a hub with the test shop, on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engines import DatabaseUrls, Template
from tests.hub.gateway.world import Facts, World, copied, founding, guard, opened


@pytest.fixture
def database_template() -> Template:
    return Template("gateway", hub=founding, store=lambda url: None)


@pytest.fixture
def facts(database_urls: DatabaseUrls, tmp_path: Path) -> Facts:
    return copied(database_urls.known, database_urls.hub, tmp_path / "ledger.db")


@pytest.fixture
async def world(facts: Facts) -> AsyncIterator[World]:
    async with opened(facts) as world:
        yield world


@pytest.fixture
async def guarded(facts: Facts) -> AsyncIterator[World]:
    """A world whose agents may write without asking, except what destroys or moves money."""
    async with opened(await guard(facts)) as world:
        yield world
