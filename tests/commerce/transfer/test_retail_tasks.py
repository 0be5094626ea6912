"""All tasks and refusals of the retail store, through MCP over a real socket, with the end states expected."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.commerce.footprint import footprint
from tests.commerce.transfer.retail import FOLDER, Adapter, Json, Names, Refused, batches, load, with_parts
from tests.engines import DatabaseUrls, Template
from tests.protocol.conftest import served, warm
from tradepost.commerce.servers import build_servers
from tradepost.commerce.serving.server import StoreServer
from tradepost.commerce.store.privacy import PII_SCOPE
from tradepost.commerce.transfer import export_store, import_store, read_file
from tradepost.commerce.transfer.policy import policy_rows
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.protocol.client import McpClient
from tradepost.protocol.standalone import http_app

WORKSPACE = "wsp_retail"
BEARER = "a-bearer-for-tests"
TASKS = load("tasks.json")["tasks"]
REFUSALS = load("refusals.json")["refusals"]
BATCHES = batches(TASKS)
NAMES = Names(load("store.json"))

pytestmark = pytest.mark.behaviour("S2.12")


def _import(url: str, file: Path) -> None:
    async def work() -> None:
        database = Database(url)
        await import_store(database, WORKSPACE, read_file(file), policy_rows(), now=datetime.now(UTC))
        await database.close()

    migrate.upgrade(url, "store")
    asyncio.run(work())


def _import_given(url: str) -> None:
    _import(url, FOLDER / "store.json")


def _import_renamed(url: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "store.json"
        file.write_text(json.dumps(NAMES(load("store.json"))), encoding="utf-8")
        _import(url, file)


@pytest.fixture
def naming(engine_name: str) -> str:
    """The store as it is given, and the same with other ids, so that nothing can depend on how they look: on one engine
    each, which have the same code below the ids."""
    return "given" if engine_name == "sqlite" else "renamed"


@pytest.fixture
def database_template(naming: str) -> Template:
    store = _import_given if naming == "given" else _import_renamed
    return Template(f"retail_{naming}", hub=lambda url: None, store=store)


@pytest.fixture
def named(naming: str) -> Callable[[Any], Any]:
    """Brings a task's or a refusal's ids to those of the store."""
    return NAMES if naming == "renamed" else lambda value: value


class Retail:
    """The imported store, an adapter to its tools, and what it looks like now."""

    def __init__(self, database: Database, adapter: Adapter) -> None:
        self.database = database
        self.adapter = adapter

    async def state(self) -> dict[str, dict[str, Json]]:
        return with_parts(await export_store(self.database, WORKSPACE))

    async def refused(self, tool: str, args: Json) -> bool:
        try:
            await self.adapter.run(tool, args)
        except Refused:
            return True
        return False


@pytest.fixture
async def retail(database_urls: DatabaseUrls) -> AsyncIterator[Retail]:
    database = Database(database_urls.store)
    shelf = build_servers(database)
    whole = StoreServer("store", "Store", "", database, [tool for server in shelf for tool in server.tools])
    scopes = frozenset({*whole.definitions().tool_scopes.values(), PII_SCOPE})
    caller = Caller(WORKSPACE, Principal("operator", "test"), "req_test", scopes=scopes)
    async with served(http_app(whole, caller, BEARER)) as url, warm() as http:
        client = McpClient(http, f"{url}/mcp", {"Authorization": f"Bearer {BEARER}"})

        async def call(name: str, arguments: Json) -> Json:
            result = await client.call_tool(name, arguments)
            if result.get("isError"):
                raise Refused(result["structuredContent"]["message"])
            return dict(result["structuredContent"])

        yield Retail(database, Adapter(call))
    await database.close()


@pytest.mark.parametrize("number", range(len(BATCHES)))
async def test_tasks_end_in_the_states_expected(retail: Retail, named: Callable[[Any], Any], number: int) -> None:
    wanted = await retail.state()
    for task in named(BATCHES[number]):
        for step in task["steps"]:
            refused = await retail.refused(step["tool"], step["args"]) if not step["ok"] else False
            if step["ok"]:
                _check_read(step, await retail.adapter.run(step["tool"], step["args"]), task["id"])
            else:
                assert refused, (task["id"], step["tool"], step["args"])
        for kind in ("orders", "customers"):
            for record_id, record in task["expected"][kind].items():
                wanted[kind][record_id] = record["after"]
    found = await retail.state()
    for kind, records in wanted.items():
        assert found[kind].keys() == records.keys()
        for record_id, record in records.items():
            assert found[kind][record_id] == record, record_id


def _check_read(step: Json, result: Json, task_id: str) -> None:
    """A read gives the facts of the reference, as far as a tool shows them."""
    for name, expected in step.get("result", {}).items():
        assert _covers(result[name], expected), (task_id, step["tool"], name)


def _covers(found: Any, expected: Any) -> bool:
    if isinstance(found, dict) and isinstance(expected, dict):
        return all(key in expected and _covers(value, expected[key]) for key, value in found.items())
    if isinstance(found, list) and isinstance(expected, list):
        if found and isinstance(found[0], dict) and "id" in found[0]:
            by_id = {row["id"]: row for row in expected}
            return len(found) == len(expected) and all(_covers(row, by_id[row["id"]]) for row in found)
        return len(found) == len(expected) and all(map(_covers, found, expected))
    return bool(found == expected)


async def test_what_must_be_refused_is_refused_and_changes_nothing(retail: Retail, named: Callable[[Any], Any]) -> None:
    plain = named([refusal for refusal in REFUSALS if not refusal["setup"]])
    before = await footprint(retail.database)
    for refusal in plain:
        assert await retail.refused(refusal["tool"], refusal["args"]), (refusal["id"], refusal["rule"])
    assert await footprint(retail.database) == before


@pytest.mark.parametrize("refusal", [row for row in REFUSALS if row["setup"]], ids=lambda row: str(row["id"]))
async def test_what_must_be_refused_after_something_else(
    retail: Retail, named: Callable[[Any], Any], refusal: Json
) -> None:
    refusal = named(refusal)
    for step in refusal["setup"]:
        await retail.adapter.run(step["tool"], step["args"])
    before = await footprint(retail.database)
    assert await retail.refused(refusal["tool"], refusal["args"]), refusal["rule"]
    assert await footprint(retail.database) == before
