"""A running hub per test, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engines import DatabaseUrls, Template
from tests.hub.gateway.world import Facts, copied, founding, guard
from tests.identity.oauth.world import Browser, Hub, Program, running


def _leave_empty(_url: str) -> None:
    """The tests here need no store."""


@pytest.fixture
def database_template() -> Template:
    return Template("gateway", hub=founding, store=_leave_empty)


@pytest.fixture
async def facts(database_urls: DatabaseUrls, tmp_path: Path) -> Facts:
    """Agents `supply` (reads stock, writes stock and payments) and `reader` (reads stock)."""
    return await guard(copied(database_urls.known, database_urls.hub, tmp_path / "ledger.db"))


@pytest.fixture
async def hub(facts: Facts) -> AsyncIterator[Hub]:
    async with running(facts) as started:
        yield started


@pytest.fixture
async def browser(hub: Hub) -> Browser:
    """The browser of an operator."""
    return await hub.browser()


@pytest.fixture
async def program(hub: Hub) -> Program:
    """A public client that an admin registered."""
    return await hub.program()
