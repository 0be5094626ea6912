"""The demo shop on each engine, and customers of it who call their own tools."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.contracts.filled import filled
from tests.commerce.contracts.shops import FULL, NOW
from tests.engines import DatabaseUrls, Template
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.servers import build_servers
from tradepost.commerce.serving.server import StoreServer
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import fixed
from tradepost.protocol.builtin import ToolResult

SCOPES = frozenset({"me:orders.read", "me:orders.write", "me:returns", "me:invoices", "read:content", "read:policies"})


@dataclass
class Counter:
    """Where customers ask. Each customer is a caller bound to their number, as the hub binds a shopper session."""

    database: Database
    servers: dict[str, StoreServer]
    keys: int = 0

    @property
    def server(self) -> StoreServer:
        return self.servers["self_service"]

    def caller(self, customer: str | None, scopes: frozenset[str] = SCOPES) -> Caller:
        bound = {} if customer is None else {"customer": customer}
        return Caller(FULL, Principal("shopper", f"shs_{customer}"), "req_test", scopes=scopes, attributes=bound)

    async def result(
        self, customer: str | None, tool: str, /, *, mode: Any = "execute", **arguments: Any
    ) -> ToolResult:
        """The whole result of a call. A write without a key gets a fresh one."""
        found = next((item for item in self.server.tools if item.name == tool), None)
        if found is not None and found.writes and "idempotency_key" not in arguments:
            self.keys += 1
            arguments["idempotency_key"] = f"test-{self.keys}"
        server = next(one for one in self.servers.values() for item in one.tools if item.name == tool)
        return await server.call(self.caller(customer), tool, arguments, None, mode)

    async def call(self, customer: str, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """The structured value of a call that must succeed."""
        result = await self.result(customer, tool, **arguments)
        assert not result.is_error, result.structured
        return dict(result.structured or {})

    async def refused(self, customer: str | None, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """The error of a call that must be refused."""
        result = await self.result(customer, tool, **arguments)
        assert result.is_error, result.structured
        return dict(result.structured or {})

    async def rows(self, statement: Any) -> list[Any]:
        """What the store holds."""
        async with self.database.transaction(FULL, write=False) as session:
            return list(await session.scalars(statement))

    async def customers(self) -> list[Customer]:
        return await self.rows(select(Customer).order_by(Customer.number))


@pytest.fixture
def database_template() -> Template:
    return Template("contracts", hub=lambda _url: None, store=filled)


@pytest.fixture
async def counter(database_urls: DatabaseUrls) -> AsyncIterator[Counter]:
    database = Database(database_urls.store)
    yield Counter(database, {server.slug: server for server in build_servers(database, fixed(NOW))})
    await database.close()
