"""A small bundled server for tests. It keeps a ledger in a SQLite file of its own, with the key of every effect UNIQUE,
so that a test can count what really happened, whichever processes were involved."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound, StateConflict, TradepostError, VersionConflict
from tradepost.protocol.builtin import MOVED, Definitions, Expects, Json, Mode, ToolResult

_SCHEMA = """
CREATE TABLE IF NOT EXISTS stock
    (workspace TEXT, sku TEXT, quantity INTEGER, version INTEGER, PRIMARY KEY (workspace, sku));
CREATE TABLE IF NOT EXISTS ledger (key TEXT UNIQUE NOT NULL, workspace TEXT, tool TEXT, arguments TEXT, result TEXT);
"""
_KEY = {"idempotency_key": {"type": "string", "pattern": "^[!-~]{1,255}$"}, "dry_run": {"type": "boolean"}}
_OUT = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}


def _tool(name: str, properties: Json, *, writes: bool) -> Json:
    extra = _KEY if writes else {}
    required = [*properties, *(["idempotency_key"] if writes else [])]
    return {
        "name": name,
        "title": name.replace("_", " "),
        "description": f"{name} of the test shop.",
        "inputSchema": {
            "type": "object",
            "properties": {**properties, **extra},
            "required": required,
            "additionalProperties": False,
        },
        "outputSchema": _OUT,
    }


_SKU = {"sku": {"type": "string", "minLength": 1}}
_AMOUNT = {"quantity": {"type": "integer", "minimum": 1, "maximum": 1000}}


class Shop:
    """BuiltinServer `shop`: get_stock reads; add_stock, drop_sku (destructive) and pay_out (moves money) write."""

    slug = "shop"
    title = "Shop"

    def __init__(self, ledger: Path) -> None:
        self.ledger = ledger
        self.calls: list[tuple[str, Json, str | None, str]] = []
        self.before: Callable[[str], None] = lambda name: None
        with self._open() as connection:
            connection.executescript(_SCHEMA)

    def definitions(self) -> Definitions:
        return Definitions(
            tools=[
                _tool("get_stock", dict(_SKU), writes=False),
                _tool("add_stock", {**_SKU, **_AMOUNT}, writes=True),
                _tool("drop_sku", dict(_SKU), writes=True),
                _tool("pay_out", {**_SKU, **_AMOUNT}, writes=True),
            ],
            resource_templates=[{"uriTemplate": "stock://{sku}", "name": "stock", "mimeType": "application/json"}],
            prompts=[{"name": "count_stock", "arguments": [{"name": "sku", "required": True}]}],
            instructions="Stock of the test shop.",
            tool_classes={"get_stock": "read", "add_stock": "write", "drop_sku": "destructive", "pay_out": "write"},
            tool_scopes={"get_stock": "read:inventory", "add_stock": "write:inventory", "pay_out": "write:payments"},
            resource_scopes={"stock://{sku}": "read:inventory"},
            prompt_scopes={"count_stock": "read:inventory"},
        )

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: Json,
        key: str | None,
        mode: Mode = "execute",
        expects: Expects | None = None,
    ) -> ToolResult:
        self.calls.append((name, arguments, key, mode))
        self.before(f"{name}:{mode}")
        try:
            if name == "get_stock":
                return _done({"status": "succeeded", **self.stock(caller.workspace_id, arguments["sku"])})
            return self._write(caller, name, arguments, key, mode, expects)
        except TradepostError as error:
            return ToolResult([{"type": "text", "text": error.message}], error.as_dict(), is_error=True)

    async def read(self, caller: Caller, uri: str) -> Json:
        found = self.stock(caller.workspace_id, uri.removeprefix("stock://"))
        return {"contents": [{"uri": uri, "mimeType": "application/json", "text": json.dumps(found)}]}

    async def watched(self, caller: Caller, uri: str) -> str | None:
        self.stock(caller.workspace_id, uri.removeprefix("stock://"))
        return "stk_" + uri.removeprefix("stock://")

    async def prompt(self, caller: Caller, name: str, arguments: Mapping[str, str]) -> Json:
        return {"messages": [{"role": "user", "content": {"type": "text", "text": f"Count {arguments['sku']}."}}]}

    async def complete(self, caller: Caller, reference: Json, argument: str, value: str) -> Json:
        return {"values": ["A1"], "total": 1, "hasMore": False}

    def put(self, workspace_id: str, sku: str, quantity: int) -> None:
        """Set the stock of a SKU from outside, as another system would."""
        with self._open() as connection:
            connection.execute(
                "INSERT INTO stock VALUES (?, ?, ?, 1) ON CONFLICT (workspace, sku) "
                "DO UPDATE SET quantity = excluded.quantity, version = version + 1",
                (workspace_id, sku, quantity),
            )

    def stock(self, workspace_id: str, sku: str) -> Json:
        with self._open() as connection:
            row = connection.execute(
                "SELECT quantity, version FROM stock WHERE workspace = ? AND sku = ?", (workspace_id, sku)
            ).fetchone()
        if row is None:
            raise NotFound(f"There is no SKU {sku}.")
        return {"sku": sku, "quantity": row[0], "version": row[1]}

    def effects(self, tool: str | None = None) -> list[tuple[str, str, Json]]:
        """(key, tool, arguments) of every effect, in order."""
        with self._open() as connection:
            rows = connection.execute("SELECT key, tool, arguments FROM ledger ORDER BY rowid").fetchall()
        return [(key, name, json.loads(arguments)) for key, name, arguments in rows if tool in (None, name)]

    def _write(
        self, caller: Caller, name: str, arguments: Json, key: str | None, mode: Mode, expects: Expects | None
    ) -> ToolResult:
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            earlier = connection.execute("SELECT result FROM ledger WHERE key = ?", (key,)).fetchone()
            if earlier is not None:
                return _done({**json.loads(earlier[0]), "replayed": True})
            result, preview = self._effect(connection, caller.workspace_id, name, arguments)
            if expects is not None and list(expects.versions) != preview["versions"]:
                raise VersionConflict("It changed meanwhile.", details={MOVED: [arguments["sku"]]})
            if mode == "preview":
                connection.rollback()
                return _done(preview)
            assert key is not None
            connection.execute(
                "INSERT INTO ledger VALUES (?, ?, ?, ?, ?)",
                (key, caller.workspace_id, name, json.dumps(arguments), json.dumps(result)),
            )
            connection.commit()
        undo = None
        reverse = {"add_stock": "pay_out", "pay_out": "add_stock"}.get(name)
        if reverse is not None:
            left = {"record": arguments["sku"], "version": preview["versions"][0]["version"] + 1}
            undo = {
                "tool": reverse,
                "arguments": {"sku": arguments["sku"], "quantity": arguments["quantity"]},
                "summary": "Takes the units away again." if reverse == "pay_out" else "Puts the units back.",
                "seconds": 3600,
                "versions": [left],
            }
        return replace(_done(result), undo=undo)

    def _effect(
        self, connection: sqlite3.Connection, workspace_id: str, name: str, arguments: Json
    ) -> tuple[Json, Json]:
        place = (workspace_id, arguments["sku"])
        row = connection.execute(
            "SELECT quantity, version FROM stock WHERE workspace = ? AND sku = ?", place
        ).fetchone()
        if row is None:
            raise NotFound(f"There is no SKU {arguments['sku']}.", field="sku")
        before, version = row
        after = 0 if name == "drop_sku" else before + arguments["quantity"] * (-1 if name == "pay_out" else 1)
        if after < 0:
            raise StateConflict(f"Only {before} are there.")
        connection.execute(
            "UPDATE stock SET quantity = ?, version = version + 1 WHERE workspace = ? AND sku = ?", (after, *place)
        )
        change = {"record": arguments["sku"], "field": "quantity", "before": before, "after": after}
        versions = [{"record": arguments["sku"], "version": version}]
        preview = {"changes": [change], "side_effects": [], "versions": versions}
        return {"status": "succeeded", "replayed": False, "quantity": after}, preview

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.ledger, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous=OFF")
            yield connection
        finally:
            connection.close()


def _done(structured: dict[str, Any]) -> ToolResult:
    return ToolResult([{"type": "text", "text": "done"}], structured)
