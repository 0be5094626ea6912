"""A small Tradepost made with the commands alone: a workspace, three people, an agent. Its shop is empty."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Place

OWNER, VIEWER = "owner@acme.example", "viewer@acme.example"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Made once. Tests look at it or copy it; none changes it."""
    place = Place(tmp_path_factory.mktemp("cli") / "data")
    place.run("db", "upgrade").good()
    place.run("workspace", "create", "acme", "--owner", OWNER).good()
    place.run("user", "add", VIEWER, "--role", "viewer").good()
    place.run("profile", "create", "team").good()
    place.run("agent", "create", "helper", "--profile", "team", "--scope", "read:orders").good()
    return place


@pytest.fixture
def place(made: Place, tmp_path: Path) -> Place:
    """A copy for a test that changes it."""
    shutil.copytree(made.data, tmp_path / "data")
    return Place(tmp_path / "data")


@pytest.fixture(scope="module")
def served(made: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running hub over a copy."""
    data = tmp_path_factory.mktemp("served") / "data"
    shutil.copytree(made.data, data)
    place = Place(data)
    with place.start("serve") as hub:
        hub.wait_ready()
        yield place
