"""A world per test: a hub with the test shop, on both engines. What is marked `two_processes(also=True)` runs at a hub
of two processes on PostgreSQL, too."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.engines import DatabaseUrls, Template
from tests.hub.gateway.beside import another, opened_twice
from tests.hub.gateway.world import Facts, World, copied, founding, guard, opened

ALONE, TWO = "one process", "two processes"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The tests that say so run twice."""
    mark = metafunc.definition.get_closest_marker("two_processes")
    if mark is not None and mark.kwargs.get("also") and {"world", "guarded"} & set(metafunc.fixturenames):
        metafunc.parametrize("processes", [ALONE, TWO])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With two processes on PostgreSQL alone: a test's time is dear."""
    spared = (TWO, "sqlite")
    items[:] = [one for one in items if (_params(one).get("processes"), _params(one).get("engine_name")) != spared]


def _params(item: pytest.Item) -> dict[str, object]:
    return item.callspec.params if hasattr(item, "callspec") else {}


@pytest.fixture
def database_template() -> Template:
    return Template("gateway", hub=founding, store=lambda url: None)


@pytest.fixture
def processes() -> str:
    return ALONE


@pytest.fixture(scope="session")
def another_process() -> Iterator[Connection]:
    with another() as pipe:
        yield pipe


@pytest.fixture
def facts(database_urls: DatabaseUrls, tmp_path: Path) -> Facts:
    return copied(database_urls.known, database_urls.hub, tmp_path / "ledger.db")


def _opened(facts: Facts, processes: str, request: pytest.FixtureRequest) -> AbstractAsyncContextManager[World]:
    if processes == ALONE:
        return opened(facts)
    return opened_twice(facts, request.getfixturevalue("another_process"))


@pytest.fixture
async def world(facts: Facts, processes: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with _opened(facts, processes, request) as world:
        yield world


@pytest.fixture
async def guarded(facts: Facts, processes: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A world whose agents may write without asking, except what destroys or moves money."""
    async with _opened(await guard(facts), processes, request) as world:
        yield world
