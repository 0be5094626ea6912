"""Walking through a shop with its own tools: what one answer names is what the next call asks for."""

import pickle
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import jsonschema_rs
import orjson

from tests.commerce.other_shop import NOW
from tests.commerce.other_workspaces import ASKED, MARKS, NEIGHBOR
from tradepost.commerce.servers import build_servers
from tradepost.commerce.serving.declare import Tool
from tradepost.commerce.serving.server import StoreServer
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import fixed

Json = dict[str, Any]

CODES = {
    "not_found",
    "invalid_argument",
    "state_conflict",
    "version_conflict",
    "idempotency_conflict",
    "limit_exceeded",
}

# Which list names which kind of record, and under which keys a record says its names.
LISTS = {
    "order": "search_orders",
    "shipment": "search_shipments",
    "delivery": "list_deliveries",
    "driver": "list_drivers",
    "return": "search_returns",
    "claim": "search_claims",
    "payment": "search_payments",
    "payout": "list_payouts",
    "dispute": "list_disputes",
    "invoice": "list_invoices",
    "subscription": "list_subscriptions",
    "product": "search_products",
    "po": "list_purchase_orders",
    "level": "list_stock_levels",
    "clause": "search_policies",
}
NAMES = ("id", "number", "rma", "clause", "external_id", "tracking_number")

_SEEN: dict[bool, bytes] = {}  # whether on SQLite -> names and items


class Walker:
    """An operator of the asked shop with every scope. Each answer is checked against the tool's output schema and for
    traces of the neighbor."""

    def __init__(self, database: Database) -> None:
        # What answers one customer about themselves has tests of its own: this is an operator.
        self.servers = [one for one in build_servers(database, fixed(NOW)) if one.slug != "self_service"]
        self.tools = {tool.name: tool for server in self.servers for tool in server.tools}
        self._home = {tool.name: server for server in self.servers for tool in server.tools}
        self._schemas = {name: jsonschema_rs.validator_for(tool.output_schema) for name, tool in self.tools.items()}
        scopes = {"read:customers.pii"}
        for server in self.servers:
            scopes |= {tool.scope for tool in server.tools} | {item.scope for item in server.resources}
            scopes |= {prompt.scope for prompt in server.prompts}
        self.caller = Caller(ASKED, Principal("operator", "walker"), "req_1", scopes=frozenset(scopes))
        self.names: dict[str, list[str]] = defaultdict(list)
        self.items: dict[str, list[Json]] = {}
        self._is_sqlite = database.is_sqlite
        self.made: dict[str, list[Json]] = defaultdict(list)  # what each write answered

    async def look_around(self) -> None:
        """Read all lists to the end and remember by which names each record can be called."""
        for kind, tool in LISTS.items():
            items = self.items[kind] = await self.everything(tool)
            for item in items:
                self.names[kind] += [item[key] for key in NAMES if isinstance(item.get(key), str)]
        buyers = dict.fromkeys(item["customer_id"] for item in self.items["order"])
        for buyer in buyers:
            account = await self.good("get_customer", customer_id=buyer)
            self.items.setdefault("customer", []).append(account)
            self.names["customer"] += [account[key] for key in NAMES if isinstance(account.get(key), str)]
        for item in self.items["product"]:
            product = await self.good("get_product", product_id=item["number"])
            for variant in product["variants"]:
                self.names["sku"] += [variant["sku"], f"sku:{variant['sku']}", variant["id"]]
        self.names["warehouse"] = list(
            dict.fromkeys(name for item in self.items["level"] for name in (item["warehouse"], item["warehouse_id"]))
        )
        self.names["supplier"] = list(dict.fromkeys(item["supplier_id"] for item in self.items["po"]))
        self.names["route"] = [item["route_id"] for item in self.items["delivery"] if item.get("route_id")]
        self.names["date"] = [NOW.date().isoformat()]

    async def look_once(self) -> None:
        """Know what the first walker on this engine saw: all shops that tests begin with are copies of one template."""
        of_engine = self._is_sqlite
        if of_engine not in _SEEN:
            await self.look_around()
            _SEEN[of_engine] = pickle.dumps((self.names, self.items))
        self.names, self.items = pickle.loads(_SEEN[of_engine])

    async def everything(self, tool: str, **arguments: Any) -> list[Json]:
        """All items of a list in small pages, each found once."""
        page = await self.good(tool, **arguments, limit=7)
        items: list[Json] = page["items"]
        while page["next_cursor"] is not None:
            page = await self.good(tool, **arguments, limit=7, cursor=page["next_cursor"])
            items = [*items, *page["items"]]
        assert len({item["id"] for item in items}) == len(items) == page["total_estimate"], tool
        return items

    async def good(self, name: str, /, **arguments: Any) -> Json:
        """The answer to a call that must succeed."""
        answer, error = await self.call(name, **arguments)
        assert not error, (name, arguments, answer)
        return answer

    async def call(self, name: str, /, **arguments: Any) -> tuple[Json, bool]:
        """Any answer, and whether it is an error."""
        result = await self._home[name].call(self.caller, name, arguments, None)
        answer = result.structured
        assert answer is not None
        said = " ".join(block["text"] for block in result.content)
        assert MARKS[NEIGHBOR] not in said + orjson.dumps(answer).decode(), (name, arguments)
        if result.is_error:
            assert answer["code"] in CODES, (name, arguments, answer)
            assert answer["message"].strip()
        else:
            assert said.strip()
            mistakes = [
                f"{list(mistake.instance_path)}: {mistake}" for mistake in self._schemas[name].iter_errors(answer)
            ]
            assert not mistakes, (name, arguments, mistakes[:3])
            if self.tools[name].writes and not arguments.get("dry_run"):
                self.made[name].append(answer)
        return answer, result.is_error

    def server_of(self, template: str) -> StoreServer:
        return next(server for server in self.servers for item in server.resources if item.template == template)

    def reads(self) -> Iterable[Tool]:
        return (tool for tool in self.tools.values() if not tool.writes)

    def writes(self) -> Iterable[Tool]:
        return (tool for tool in self.tools.values() if tool.writes)

    def called(self, parameter: str) -> list[str]:
        """Names for a parameter: order_id, from_warehouse_id, payout_id, rma, sku."""
        bare = parameter.removeprefix("from_").removeprefix("to_").removesuffix("_ids").removesuffix("_id")
        kind = {"rma": "return", "number": "invoice", "clause": "clause"}.get(bare, bare)
        return self.names.get(kind, [])
