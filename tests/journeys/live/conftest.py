"""A demo hub as a process of its own, on both engines: one that the tests share, and copies for those that end it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.engines import chosen_engines
from tests.journeys.live.prepared import Prepared, new_databases
from tests.processes import Place, Serving
from tests.run import Run


@pytest.fixture(scope="session")
def prepared(engine_name: str, request: pytest.FixtureRequest, run: Run) -> Prepared:
    """A demo, made and stopped, which the processes of a run share."""
    cluster = request.getfixturevalue("postgres_cluster") if engine_name == "postgres" else None

    def make() -> Place:
        databases = new_databases(cluster) if cluster else {}
        folder = run.directory / f"demo-{engine_name}"
        shutil.rmtree(folder, ignore_errors=True)  # what an attempt left that failed
        folder.mkdir()
        place = Place(folder / "data", databases=databases)
        with place.start("demo") as demo:
            demo.wait_ready()
            assert demo.stop() == 0, demo.said()
        return place

    return Prepared(run.once(f"demo {engine_name}", make), cluster)


@pytest.fixture
def either_engine(engine_name: str) -> None:
    """For what does not depend on the database: shown once, since every step is a process of its own."""
    if engine_name != chosen_engines()[0]:
        pytest.skip("shown on the other engine: it does not depend on the database")


@pytest.fixture
def place(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A copy of the demo, not running."""
    copy = prepared.copy(tmp_path_factory.mktemp("place") / "data")
    yield copy
    prepared.drop(copy)


@pytest.fixture(scope="session")
def shared(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running demo. Tests that share it propose with keys of their own and put back what they switch off."""
    copy = prepared.copy(tmp_path_factory.mktemp("shared") / "data")
    with copy.start("demo") as demo:
        demo.wait_ready()
        yield copy
        demo.stop()
    prepared.drop(copy)


@pytest.fixture
def serving(place: Place) -> Iterator[Serving]:
    """A running hub over the copy of this test."""
    with place.start("serve") as hub:
        yield hub.wait_ready()
