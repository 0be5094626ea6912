"""A hub, and a server of each kind that keeps what it was sent."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engines import DatabaseUrls, Template
from tests.hub.telling.hub import Hub, founding, serving
from tests.hub.telling.told_server import ToldServer


@pytest.fixture
def database_template() -> Template:
    return Template("telling", founding, lambda url: None)


@pytest.fixture
async def hub(database_urls: DatabaseUrls, tmp_path: Path) -> AsyncIterator[Hub]:
    async with serving(database_urls.hub, database_urls.known, tmp_path) as found:
        yield found


@pytest.fixture
async def server() -> AsyncIterator[ToldServer]:
    """One of the newer era."""
    made = ToldServer("modern")
    async with made.serving():
        yield made


@pytest.fixture(params=["modern", "legacy"])
async def any_server(request: pytest.FixtureRequest) -> AsyncIterator[ToldServer]:
    """One of each era."""
    made = ToldServer(request.param)
    async with made.serving():
        yield made


@pytest.fixture
async def oldest_server() -> AsyncIterator[ToldServer]:
    """One with an event stream, as they were before streamable HTTP."""
    made = ToldServer("oldest")
    async with made.serving():
        yield made
