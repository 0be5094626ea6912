"""Every tool, resource and prompt over a shop made at random, next to a neighbor with the same ids and numbers."""

import re
from collections.abc import AsyncIterator
from typing import Any, get_args
from urllib.parse import quote

import orjson
import pytest
from sqlalchemy import select

from tests.commerce.adding_up import adds_up
from tests.commerce.other_shop import CURRENCIES
from tests.commerce.other_workspaces import ASKED, MARKS, NEIGHBOR, all_rows, other_shop_template
from tests.commerce.walking import Json, Walker
from tests.commerce.write_attempts import attempts
from tests.engines import DatabaseUrls, Template
from tradepost.commerce.orders.models import Order, OrderStatus
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller

EACH = 4  # names tried per parameter
TRIED = 4  # legal previews per tool
DONE = 3  # real writes per tool


@pytest.fixture
def database_template() -> Template:
    return other_shop_template()


@pytest.fixture
async def store(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(database_urls.store)
    yield database
    await database.close()


@pytest.fixture
async def walker(store: Database) -> Walker:
    made = Walker(store)
    await made.look_once()
    return made


async def test_the_shop_has_every_state_and_shares_its_ids_with_the_neighbor(store: Database) -> None:
    asked, neighbor = await all_rows(store, ASKED), await all_rows(store, NEIGHBOR)
    assert len(asked.keys() & neighbor.keys()) > 1000
    async with store.transaction(ASKED, write=False) as session:
        assert set(await session.scalars(select(Order.status))) == set(get_args(OrderStatus))
        assert set(await session.scalars(select(Order.currency))) <= set(CURRENCIES)


async def test_every_record_is_found_by_each_of_its_names(walker: Walker) -> None:
    getters = {
        "order": ("get_order", "order_id"),
        "return": ("get_return", "rma"),
        "customer": ("get_customer", "customer_id"),
        "product": ("get_product", "product_id"),
    }
    for kind, (tool, parameter) in getters.items():
        for item in walker.items[kind]:
            for name in (item[key] for key in ("id", "number", "rma", "external_id") if item.get(key)):
                assert (await walker.good(tool, **{parameter: name}))["id"] == item["id"]
    for item in walker.items["order"]:
        assert (await walker.good("get_order", order_id=f"#{item['number']}"))["id"] == item["id"]
    for sku in walker.names["sku"]:
        await walker.good("check_inventory", sku=sku)


async def test_every_read_takes_every_argument(walker: Walker, store: Database) -> None:
    before = await all_rows(store, ASKED)
    for tool in walker.reads():
        answered = 0
        properties: Json = tool.input_schema["properties"]
        for parameter, schema in properties.items():
            values: list[Any] = [
                *walker.called(parameter)[:EACH],
                *(value for value in schema.get("enum", ()) if value),
            ]
            if "boolean" in schema.get("type", ()):
                values += [True, False]
            if schema.get("items", {}).get("enum"):
                values.append(schema["items"]["enum"])
            values = values or [value for value in schema.get("examples", ()) if parameter not in ("cursor", "fields")]
            for value in values:
                _, error = await walker.call(tool.name, **{parameter: value})
                answered += not error
        assert answered, f"{tool.name} never answered"
    assert await all_rows(store, ASKED) == before


async def test_every_list_gives_its_details_and_chosen_fields(walker: Walker) -> None:
    for tool in walker.reads():
        if {"detail", "fields"} <= tool.input_schema["properties"].keys():
            given = {"query": "a"} if tool.name == "search_customers" else {}
            given = {"payout_id": walker.names["payout"][0]} if tool.name == "reconcile_settlement" else given
            for detail in ("summary", "standard", "full"):
                page = await walker.good(tool.name, **given, detail=detail)
                for item in page["items"][:1]:
                    field = next(key for key in item if key != "id")
                    chosen = await walker.good(tool.name, **given, detail=detail, fields=[field])
                    assert chosen["items"][0].keys() == {"id", field} & item.keys(), tool.name


async def test_every_resource_opens_by_names_that_need_quoting(walker: Walker) -> None:
    names = {"stock": "sku", "product": "sku", "po": "po", "report": "date"}
    for server in walker.servers:
        for item in server.resources:
            scheme = item.template.partition("://")[0]
            kind = names.get(scheme, scheme)
            if kind == "quote":
                continue  # no list names quotes in this release
            known = walker.names[kind][:EACH] if item.is_template else [""]
            assert known, item.template
            for name in known:
                start, _, rest = item.template.partition("{")
                uri = start + quote(name, safe="") + rest.partition("}")[2]
                read = await server.read(walker.caller, uri)
                assert MARKS[NEIGHBOR] not in orjson.dumps(read).decode()
                assert read["contents"][0]["text"].strip()


async def test_every_name_is_completed_from_its_beginning(walker: Walker) -> None:
    names = {"stock": "sku", "product": "sku", "po": "po", "rma": "return", "warehouse": "warehouse"}
    asked = [
        (server, {"type": "ref/resource", "uri": item.template}, item.template.partition("://")[0])
        for server in walker.servers
        for item in server.resources
        if item.is_template
    ]
    asked += [
        (server, {"type": "ref/prompt", "name": prompt.name}, str(argument["name"]))
        for server in walker.servers
        for prompt in server.prompts
        for argument in prompt.arguments
    ]
    told = 0
    for server, reference, kind in asked:
        argument = kind
        if reference["type"] == "ref/resource":
            argument = str(reference["uri"]).partition("{")[2].partition("}")[0]
        known = {
            item[key]
            for item in walker.items.get(names.get(kind, kind), [])
            for key in ("number", "rma")
            if key in item
        }
        for name in sorted(known)[:2]:
            found = await server.complete(walker.caller, reference, argument, name[:-1])
            assert name in found["values"], (reference, name)
            assert not [value for value in found["values"] if not value.startswith(name[:-1])]
            told += 1
        stranger = Caller(ASKED, walker.caller.principal, "req_1")
        assert (await server.complete(stranger, reference, argument, ""))["values"] == []
        wrong = await server.complete(walker.caller, reference, "no_such_argument", "")
        assert wrong["values"] == []
    assert told > 20


async def test_every_prompt_guides_through_this_shop(walker: Walker) -> None:
    names = {"carrier": [item["carrier_code"] for item in walker.items["shipment"] if item["carrier_code"]]}
    for server in walker.servers:
        for prompt in server.prompts:
            given = {}
            for argument in prompt.arguments:
                known = names.get(argument["name"]) or walker.called(argument["name"]) or ["100 CHF"]
                given[argument["name"]] = known[0]
            guide = await server.prompt(walker.caller, prompt.name, given)
            assert MARKS[NEIGHBOR] not in orjson.dumps(guide).decode()
            assert guide["messages"][0]["content"]["text"].endswith("Propose; do not act without approval.")


async def test_every_write_previews_and_then_does_what_it_showed(walker: Walker, store: Database) -> None:
    neighbor = await all_rows(store, NEIGHBOR)
    done: dict[str, int] = {}
    for tool in walker.writes():
        legal = []
        before = await all_rows(store, ASKED)
        for index, arguments in enumerate(attempts(walker, tool.name)):
            call = {**arguments, "idempotency_key": f"{tool.name}-{index}"}
            preview, error = await walker.call(tool.name, **call, dry_run=True)
            if not error:
                assert preview["status"] == "dry_run"
                _is_readable(preview["preview"], tool.name)
                legal.append(call)
            if len(legal) == TRIED:
                break
        assert await all_rows(store, ASKED) == before, f"a preview of {tool.name} changed something"
        assert legal, f"{tool.name} was never legal"
        for call in legal:
            if done.get(tool.name, 0) == DONE:
                break
            preview, error = await walker.call(tool.name, **call, dry_run=True)
            if error:
                continue  # what was legal before a write of this loop need not be so after it
            first = await walker.good(tool.name, **call)
            again = await walker.good(tool.name, **call)
            assert (first["replayed"], again["replayed"]) == (False, True)
            assert {**again, "replayed": False} == first
            done[tool.name] = done.get(tool.name, 0) + 1
        assert done[tool.name]
        await adds_up(store)
    assert await all_rows(store, NEIGHBOR) == neighbor


def _is_readable(preview: Json, tool: str) -> None:
    """In words, without ids, and without addresses that reach somebody, whoever asks."""
    assert preview["summary"], tool
    words = [preview["summary"], *preview["side_effects"]]
    for change in preview["changes"]:
        said = [change[name] for name in ("record", "field", "before", "after")]
        assert change["column"], change
        assert not {change["id"], change["table"]} & set(said), change
        assert not re.search(r"_|\b(minor|id)\b", change["field"].removeprefix("id in")), change
        words += [str(one) for one in said]
    versions = {(one["table"], one["id"]): one for one in preview["versions"]}
    assert all(one["record"] != one["id"] for one in versions.values()), tool
    for text in words:
        assert not re.search(r"[^*\s]@[\w-]+\.", text), (tool, text)
        assert text.isprintable(), (tool, text)
