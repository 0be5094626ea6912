"""A store on each engine and a way to call its tools as an operator."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.engines import DatabaseUrls, Template
from tradepost.commerce.serving.declare import Prompt, Resource, Tool
from tradepost.commerce.serving.server import StoreServer
from tradepost.commerce.store.models import StoreSettings
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import fixed
from tradepost.foundation.ids import new_id
from tradepost.protocol.builtin import ToolResult

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WORKSPACE = "wsp_test"


@pytest.fixture
def database_template() -> Template:
    return Template(
        "current", hub=lambda url: migrate.upgrade(url, "hub"), store=lambda url: migrate.upgrade(url, "store")
    )


@dataclass
class Shop:
    """A store and its operator. `call` returns the structured value, and fails the test on an error result."""

    database: Database
    scopes: set[str]
    servers: list[StoreServer] = field(default_factory=list)
    keys: int = 0

    def offer(
        self, tools: Sequence[Tool] = (), resources: Sequence[Resource] = (), prompts: Sequence[Prompt] = ()
    ) -> StoreServer:
        """Serve these tools, resources and prompts; the operator gets their scopes."""
        server = StoreServer("shop", "Shop", "", self.database, tools, resources, prompts, now=fixed(NOW))
        self.scopes |= {item.scope for item in (*tools, *resources, *prompts)}
        self.servers.append(server)
        return server

    def caller(self, workspace: str = WORKSPACE) -> Caller:
        return Caller(workspace, Principal("operator", "test"), new_id("req"), scopes=frozenset(self.scopes))

    async def result(
        self,
        name: str,
        /,
        *,
        key: str | None = None,
        workspace: str = WORKSPACE,
        mode: Any = "execute",
        **arguments: Any,
    ) -> ToolResult:
        """The whole result of a tool call. A write without a key gets a fresh one."""
        server = next(server for server in self.servers for tool in server.tools if tool.name == name)
        tool = next(tool for tool in server.tools if tool.name == name)
        if tool.writes and "idempotency_key" not in arguments:
            self.keys += 1
            arguments["idempotency_key"] = key or f"test-{self.keys}"
        return await server.call(self.caller(workspace), name, arguments, None, mode)

    async def call(self, name: str, /, **options: Any) -> dict[str, Any]:
        result = await self.result(name, **options)
        assert not result.is_error, result.structured
        assert result.structured is not None
        return result.structured

    async def refused(self, name: str, /, **options: Any) -> dict[str, Any]:
        """The error of a call that must be refused."""
        result = await self.result(name, **options)
        assert result.is_error, result.structured
        assert result.structured is not None
        return result.structured

    async def add(self, *rows: Any, workspace: str = WORKSPACE) -> None:
        """Put rows into the store, in the order given."""
        async with self.database.transaction(workspace, write=True) as session:
            for row in rows:
                session.add(row)
                await session.flush()


@pytest.fixture
async def shop(database_urls: DatabaseUrls) -> AsyncIterator[Shop]:
    database = Database(database_urls.store)
    built = Shop(database, set())
    for workspace in (WORKSPACE, "wsp_other"):
        await built.add(StoreSettings(id="settings", name="Test shop", currency="EUR"), workspace=workspace)
    yield built
    await database.close()
