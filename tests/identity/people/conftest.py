"""Pages served on loopback over both engines; passwords are hashed with cheap parameters."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.hub.conftest import database, database_template, world
from tests.hub.world import World
from tests.identity.people.desk import Clock, Desk, built
from tests.protocol.conftest import served
from tradepost.hub.access import passwords
from tradepost.hub.vault.vault import Vault, open_vault

__all__ = ["database", "database_template", "world"]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def vault(world: World, desk: Desk, tmp_path: Path) -> Vault:
    """The one that the desk uses."""
    return await open_vault(world.database, tmp_path / "vault.key")


@pytest.fixture
async def desk(world: World, clock: Clock, tmp_path: Path) -> AsyncIterator[Desk]:
    holder: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await holder[0](scope, receive, send)

    async with served(app) as url:
        people = await built(world, clock, tmp_path, url)
        holder.append(people.door)
        made = Desk(url, people, world, clock)
        yield made
        for browser in made.browsers:
            await browser.http.aclose()
