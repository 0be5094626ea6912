"""Asking a shop's tools the way an agent does: only tools of its catalog, only names and ids that somebody said."""

from datetime import UTC, datetime
from typing import Any

from tradepost.commerce.servers import build_servers
from tradepost.commerce.serving.declare import Tool
from tradepost.commerce.serving.server import StoreServer
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.starter.agents import AGENTS

NOW = datetime(2026, 2, 24, 9, 0, tzinfo=UTC)
SHOP = "wsp_shop"

Json = dict[str, Any]


class Asker:
    """An agent of the demo shop with its own tools and scopes (None: all of them). `text` is what the last answer says
    to a model that is shown nothing but text."""

    def __init__(self, database: Database, agent: str | None) -> None:
        self._servers = build_servers(database)
        ready = next((item for item in AGENTS if item.slug == agent), None)
        offered = {tool.name: (server, tool) for server in self._servers for tool in server.tools}
        self._tools: dict[str, tuple[StoreServer, Tool]] = {
            name: found for name, found in offered.items() if ready is None or name in ready.tools
        }
        scopes = {tool.scope for _, tool in self._tools.values()} | set(ready.extra_scopes if ready else ())
        self._caller = Caller(SHOP, Principal("agent_key", agent or "operator"), "req_1", scopes=frozenset(scopes))
        self.text = ""

    async def ask(self, tool: str, **arguments: Any) -> Json:
        """The structured answer of a tool of this agent's catalog. Fails the test on an error."""
        answer, error = await self._call(tool, arguments)
        assert not error, answer
        return answer

    async def refused(self, tool: str, **arguments: Any) -> Json:
        """The error of a call that must be refused."""
        answer, error = await self._call(tool, arguments)
        assert error, answer
        return answer

    async def items(self, tool: str, **arguments: Any) -> list[Json]:
        """All items of a list, page by page, each found once."""
        items: list[Json] = []
        cursor: str | None = None
        while True:
            page = await self.ask(tool, **arguments, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page["next_cursor"]
            assert bool(cursor) is page["has_more"]
            if cursor is None:
                assert len({item["id"] for item in items}) == len(items) == page["total_estimate"]
                return items
            assert f"cursor={cursor}" in self.text

    async def guide(self, prompt: str, **arguments: str) -> Json:
        """What a prompt gives."""
        server = next(server for server in self._servers for item in server.prompts if item.name == prompt)
        found: Json = await server.prompt(self._caller, prompt, arguments)
        return found

    async def _call(self, tool: str, arguments: Json) -> tuple[Json, bool]:
        assert tool in self._tools, f"{tool} is not in this agent's catalog"
        server, _ = self._tools[tool]
        result = await server.call(self._caller, tool, arguments, None)
        assert result.structured is not None
        self.text = " ".join(block["text"] for block in result.content)
        assert len(self.text) <= 800
        return result.structured, result.is_error
