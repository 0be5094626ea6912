"""A hub database per test, on both engines."""

from collections.abc import AsyncIterator

import pytest

from tests.engines import DatabaseUrls, Template
from tradepost.database import migrate
from tradepost.database.engine import Database


@pytest.fixture
def database_template() -> Template:
    return Template("hub", hub=_upgrade, store=lambda url: None)


def _upgrade(url: str) -> None:
    migrate.upgrade(url, "hub")


@pytest.fixture
async def database(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(database_urls.hub)
    yield database
    await database.close()
