"""Every write that offers to be taken back: what it offers brings the records back, once, and not after anybody else
has touched them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.other_workspaces import ASKED, other_shop_template
from tests.commerce.walking import Json, Walker
from tests.commerce.write_attempts import attempts
from tests.engines import DatabaseUrls, Template
from tradepost.commerce.store.wording import kind_for
from tradepost.database.base import StoreBase
from tradepost.database.engine import Database
from tradepost.protocol.builtin import MOVED, Expects, ToolResult

# Which writes must have offered it at least once in a shop made at random, and those that bring all of it back.
OFFERING = (
    *("set_order_hold", "adjust_stock", "reserve_stock", "set_reorder_policy", "update_order_address"),
    *("update_customer", "assign_driver", "reschedule_delivery", "transfer_stock", "apply_store_credit"),
)
# A driver's tour is planned anew both times, so that stops and times need not be the same; a reservation, a transfer
# and a credit stay in the books as released, canceled and spent.
NOT_ALL = ("assign_driver", "reroute_delivery", "reschedule_delivery", "transfer_stock", "apply_store_credit")
TRIED = 12


@pytest.fixture
def database_template() -> Template:
    return other_shop_template()


@pytest.fixture
async def store(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(database_urls.store)
    yield database
    await database.close()


async def call(walker: Walker, tool: str, arguments: Json, key: str, **options: Any) -> ToolResult:
    server = next(server for server in walker.servers if tool in {one.name for one in server.tools})
    return await server.call(walker.caller, tool, {**arguments, "idempotency_key": key}, None, **options)


async def rows_of(store: Database, places: list[Json]) -> dict[str, dict[str, Any]]:
    """What people see of these records."""
    models = {mapper.class_.__tablename__: mapper.class_ for mapper in StoreBase.registry.mappers}
    found = {}
    async with store.transaction(ASKED, write=False) as session:
        for place in places:
            model = models[place["table"]]
            row = (await session.scalars(select(model).where(model.id == place["id"]))).one_or_none()
            if row is not None:
                columns = model.__table__.columns.keys()
                found[place["id"]] = {
                    name: getattr(row, name) for name in columns if kind_for(place["table"], name) != "hidden"
                }
    return found


async def test_what_is_offered_brings_the_records_back_once(store: Database) -> None:
    walker = Walker(store)
    await walker.look_around()
    undone: dict[str, int] = {}
    for tool in (*OFFERING, "reroute_delivery"):
        for index, arguments in enumerate(list(attempts(walker, tool))[:TRIED]):
            preview = await call(walker, tool, arguments, f"{tool}-{index}", mode="preview")
            if preview.is_error:
                continue
            touched = list((preview.structured or {})["versions"])
            before = await rows_of(store, touched)
            done = await call(walker, tool, arguments, f"{tool}-{index}")
            undo = done.undo
            if undo is None:
                continue
            assert undo["seconds"] == 24 * 3600
            again = await call(walker, tool, arguments, f"{tool}-{index}")
            assert again.undo == undo, "a repeated call forgets how it is taken back"
            left = Expects(undo["versions"], exactly=False)
            shown = await call(
                walker, undo["tool"], undo["arguments"], f"u-{tool}-{index}", mode="preview", expects=left
            )
            assert not shown.is_error, (tool, undo, shown.structured)
            bound = Expects((shown.structured or {})["versions"])
            back = await call(walker, undo["tool"], undo["arguments"], f"u-{tool}-{index}", expects=bound)
            assert not back.is_error, (tool, undo, back.structured)
            if tool not in NOT_ALL:
                assert await rows_of(store, touched) == before, (tool, undo)
            twice = await call(walker, undo["tool"], undo["arguments"], f"v-{tool}-{index}", expects=left)
            assert twice.is_error, (tool, twice.structured)
            undone[tool] = undone.get(tool, 0) + 1
            if undone[tool] == 2:
                break
    assert set(OFFERING) <= set(undone), set(OFFERING) - set(undone)


async def test_a_record_that_was_touched_meanwhile_is_left_alone(store: Database) -> None:
    walker = Walker(store)
    await walker.look_around()
    level = walker.items["level"][0]
    change = {"sku": level["sku"], "warehouse_id": level["warehouse"], "delta": 4}
    undo = (await call(walker, "adjust_stock", change, "first")).undo
    assert undo is not None
    assert undo["arguments"]["delta"] == -4
    await call(walker, "adjust_stock", {**change, "delta": 1}, "sold")
    before = await rows_of(store, undo["versions"])
    for mode in ("preview", "execute"):
        result = await call(
            walker,
            undo["tool"],
            undo["arguments"],
            f"undo-{mode}",
            mode=mode,
            expects=Expects(undo["versions"], exactly=False),
        )
        said = result.structured or {}
        assert (result.is_error, said["code"]) == (True, "version_conflict")
        assert said["message"].startswith("Stock of ")
        assert "changed meanwhile, so nothing was done" in said["message"]
        assert len(said["details"][MOVED]) == 1
    assert await rows_of(store, undo["versions"]) == before
