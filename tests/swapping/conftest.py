"""A hub whose servers change places, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engines import DatabaseUrls, Template
from tests.hostile.hub import Hub, opened
from tests.hub.trusting import trust_outsiders
from tradepost.database import migrate


@pytest.fixture
def database_template() -> Template:
    return Template(
        "current", hub=lambda url: migrate.upgrade(url, "hub"), store=lambda url: migrate.upgrade(url, "store")
    )


@pytest.fixture
async def hub(database_urls: DatabaseUrls, tmp_path: Path) -> AsyncIterator[Hub]:
    async with opened(database_urls, tmp_path / "data") as made:
        async with made.world.changing() as session:
            await trust_outsiders(session, made.world.owner)
        yield made
