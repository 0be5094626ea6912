"""The promises every bundled tool keeps: schemas, replay, preview, errors."""

from typing import Annotated

import pytest
from pydantic import Field
from sqlalchemy import select, text
from typing_extensions import TypedDict

from tests.commerce.conftest import NOW, Shop
from tradepost.commerce.catalog.models import Product
from tradepost.commerce.serving.declare import Answer, read_tool, resource, write_tool
from tradepost.commerce.store.listing import Cursor, Limit, Page, page
from tradepost.commerce.store.models import StoreEvent
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import Unavailable
from tradepost.foundation.ids import new_id

Ref = Annotated[str, Field(description="Product id or number.", examples=["P-1"])]


class ProductRow(TypedDict):
    id: str
    number: str
    name: str


@read_tool(title="List things", scope="read:content")
async def list_things(
    store: Store, limit: Limit = 20, cursor: Cursor = None, name: str = ""
) -> Answer[Page[ProductRow]]:
    """List things. Use to see all."""

    async def view(rows: list[Product]) -> list[ProductRow]:
        return [{"id": row.id, "number": row.number, "name": row.name} for row in rows]

    found = await page(
        store,
        "things",
        select(Product).where(Product.name.startswith(name)),
        [Product.created_at, Product.id],
        view,
        limit=limit,
        cursor=cursor,  # type: ignore[arg-type]
    )
    return Answer(found, f"{len(found['items'])} things.")


@write_tool(title="Rename thing", scope="write:content")
async def rename_thing(store: Store, product: Ref, name: str) -> Answer[ProductRow]:
    """Rename a thing. Use when it is called wrongly."""
    row = await store.primary(Product, product, field="product")
    row.name = name
    store.emit("product:renamed", row)
    store.side_effect("Nobody is told.")
    return Answer({"id": row.id, "number": row.number, "name": name}, f"Renamed to {name}.")


@read_tool(title="Look elsewhere", scope="read:content")
async def look_elsewhere(store: Store) -> Answer[ProductRow]:
    """Read what is not there. Use never."""
    await store.session.execute(text("SELECT secret_column FROM no_such_table"))
    raise AssertionError("unreachable")


@resource("elsewhere://{number}", title="Elsewhere", description="Nothing.", scope="read:content")
async def elsewhere(store: Store, number: str) -> ProductRow:
    await store.session.execute(text("SELECT secret_column FROM no_such_table"))
    raise AssertionError("unreachable")


def things(count: int) -> list[Product]:
    return [
        Product(id=new_id("prd"), number=f"P-{n}", name="old", option_names=[], created_at=NOW) for n in range(count)
    ]


async def test_same_key_has_one_effect_and_says_replayed(shop: Shop) -> None:
    shop.offer([rename_thing])
    await shop.add(*things(1))
    first = await shop.call("rename_thing", key="k", product="P-0", name="a")
    again = await shop.call("rename_thing", key="k", product="P-0", name="a")
    assert (first["replayed"], again["replayed"]) == (False, True)
    error = await shop.refused("rename_thing", key="k", product="P-0", name="b")
    assert error["code"] == "idempotency_conflict"
    async with shop.database.transaction("wsp_test", write=False) as session:
        assert len((await session.scalars(select(StoreEvent))).all()) == 1
        assert (await session.scalars(select(Product))).one().version == 2


async def test_preview_shows_fields_and_changes_nothing(shop: Shop) -> None:
    shop.offer([rename_thing])
    await shop.add(*things(1))
    shown = await shop.call("rename_thing", product="#P-0", name="a", dry_run=True)
    (change,) = shown["preview"]["changes"]
    place = {"table": "products", "id": change["id"], "column": "name", "version": 1}
    assert change == {"record": "Product a", "field": "name", "before": "old", "after": "a", **place}
    assert shown["preview"]["side_effects"] == ["Nobody is told."]
    assert shown["preview"]["versions"][0]["version"] == 1
    async with shop.database.transaction("wsp_test", write=False) as session:
        assert (await session.scalars(select(Product))).one().name == "old"
        assert (await session.scalars(select(StoreEvent))).all() == []


async def test_stale_version_and_other_workspace_are_refused(shop: Shop) -> None:
    shop.offer([rename_thing])
    await shop.add(*things(1))
    assert (await shop.refused("rename_thing", product="P-0", name="a", expected_version=7))[
        "code"
    ] == "version_conflict"
    assert (await shop.refused("rename_thing", product="P-0", name="a", workspace="wsp_other"))["code"] == "not_found"
    error = await shop.refused("rename_thing", product="P-0", name=5)
    assert (error["code"], error["field"]) == ("invalid_argument", "name")


async def test_pages_cover_the_list_once(shop: Shop) -> None:
    shop.offer([list_things])
    await shop.add(*things(7))
    seen: list[str] = []
    cursor = None
    while True:
        options = {"cursor": cursor} if cursor else {}
        found = await shop.call("list_things", limit=3, **options)
        seen += [item["id"] for item in found["items"]]
        assert found["total_estimate"] == 7
        cursor = found["next_cursor"]
        if not found["has_more"]:
            break
    assert len(seen) == len(set(seen)) == 7
    assert (await shop.refused("list_things", cursor="nonsense"))["field"] == "cursor"


@pytest.mark.behaviour("security T28")
async def test_a_cursor_is_good_for_its_shop_and_its_filters_alone(shop: Shop) -> None:
    shop.offer([list_things])
    await shop.add(*things(7))
    await shop.add(*things(7), workspace="wsp_other")
    cursor = (await shop.call("list_things", limit=3))["next_cursor"]
    assert (await shop.call("list_things", limit=2, cursor=cursor))["has_more"]
    assert (await shop.refused("list_things", cursor=cursor, workspace="wsp_other"))["field"] == "cursor"
    assert (await shop.refused("list_things", cursor=cursor, name="T"))["field"] == "cursor"


async def test_a_read_that_the_database_fails_is_answered_without_its_words(shop: Shop):
    server = shop.offer([look_elsewhere], [elsewhere])
    result = await shop.result("look_elsewhere")
    assert result.is_error
    assert "cannot do this now" in str(result.content)
    assert "secret_column" not in str(result.content)
    with pytest.raises(Unavailable) as refused:
        await server.read(shop.caller(), "elsewhere://1")
    assert refused.value.hint
