"""What people approved is done only as long as what it rests on stays: money, stock, prices, states. A change of
something beside it does not matter."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import select

from tests.commerce.account_attempts import methods_of
from tests.commerce.other_workspaces import ASKED, other_shop_template
from tests.commerce.walking import Json, Walker
from tests.engines import DatabaseUrls, Template
from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment
from tradepost.database.engine import Database
from tradepost.protocol.builtin import MOVED, Expects, ToolResult

Meanwhile = Callable[[Walker, Json], Awaitable[None]]


@pytest.fixture
def database_template() -> Template:
    return other_shop_template()


@pytest.fixture
async def walker(database_urls: DatabaseUrls) -> AsyncIterator[Walker]:
    database = Database(database_urls.store)
    made = Walker(database)
    await made.look_around()
    yield made
    await database.close()


async def call(walker: Walker, tool: str, arguments: Json, key: str, **options: object) -> ToolResult:
    server = next(server for server in walker.servers if tool in {one.name for one in server.tools})
    given = {**arguments, "idempotency_key": key}
    return await server.call(walker.caller, tool, given, None, **options)  # type: ignore[arg-type]


async def legal(walker: Walker, tool: str, choices: list[Json]) -> tuple[Json, Expects]:
    """The first of these calls that is possible, and what it rests on."""
    for arguments in choices:
        preview = await call(walker, tool, arguments, "preview", mode="preview")
        if not preview.is_error:
            return arguments, Expects((preview.structured or {})["versions"])
    raise AssertionError(f"{tool} was never possible")


async def touch(walker: Walker, model: type, column: str, value: object, **where: object) -> None:
    async with walker.servers[0].database.transaction(ASKED, write=True) as session:
        row = (await session.scalars(select(model).filter_by(**where).limit(1))).one()
        setattr(row, column, getattr(row, column) + value if isinstance(value, int) else value)


async def order_of(walker: Walker, number: str) -> Order:
    async with walker.servers[0].database.transaction(ASKED, write=False) as session:
        return (await session.scalars(select(Order).where(Order.number == number))).one()


def refunds(walker: Walker) -> list[Json]:
    told: Json = {"reason": "goodwill", "amount_minor": 2}
    return [{**told, "order_id": one["number"], "currency": one["total"]["currency"]} for one in walker.items["order"]]


def edits(walker: Walker) -> list[Json]:
    skus = list(dict.fromkeys(item["sku"] for item in walker.items["level"] if item["available"] > 5))
    return [
        {
            "order_id": order["number"],
            "reason": "As asked",
            "add": [{"variant": sku, "quantity": 1}],
            "payment_method_id": methods_of(walker, order)[0],
        }
        for order in walker.items["order"]
        for sku in skus[:3]
    ]


def adjustments(walker: Walker) -> list[Json]:
    return [{"sku": one["sku"], "warehouse_id": one["warehouse"], "delta": 2} for one in walker.items["level"]]


async def another_refund(walker: Walker, arguments: Json) -> None:
    done = await call(walker, "initiate_refund", {**arguments, "amount_minor": 1}, "another")
    assert not done.is_error, done.structured


async def the_provider_takes_less(walker: Walker, arguments: Json) -> None:
    order = await order_of(walker, arguments["order_id"])
    await touch(walker, Payment, "psp_reference", "moved", order_id=order.id)


async def a_sale(walker: Walker, arguments: Json) -> None:
    await call(walker, "adjust_stock", {**arguments, "delta": 1}, "sold")


async def a_new_price(walker: Walker, arguments: Json) -> None:
    await touch(walker, Variant, "price_minor", 100, sku=arguments["add"][0]["variant"])


async def the_goods_leave(walker: Walker, arguments: Json) -> None:
    order = await order_of(walker, arguments["order_id"])
    await touch(walker, OrderLine, "status", "partial", order_id=order.id)


async def a_note(walker: Walker, arguments: Json) -> None:
    done = await call(
        walker, "add_order_note", {"order_id": arguments["order_id"], "note": "Seen."}, f"note-{id(arguments)}"
    )
    assert not done.is_error


async def the_customer_calls(walker: Walker, arguments: Json) -> None:
    order = await order_of(walker, arguments["order_id"])
    await touch(walker, Customer, "note", "Called twice", id=order.customer_id)


CASES: list[tuple[str, Callable[[Walker], list[Json]], Meanwhile, bool]] = [
    ("initiate_refund", refunds, another_refund, True),
    ("initiate_refund", refunds, the_provider_takes_less, True),
    ("initiate_refund", refunds, a_note, False),
    ("initiate_refund", refunds, the_customer_calls, False),
    ("adjust_stock", adjustments, a_sale, True),
    ("edit_order_items", edits, a_new_price, True),
    ("edit_order_items", edits, the_goods_leave, True),
    ("edit_order_items", edits, a_note, False),
]


async def test_what_moved_stops_the_write_in_its_transaction_and_what_is_beside_it_does_not(walker: Walker) -> None:
    for number, (tool, choices, meanwhile, matters) in enumerate(CASES):
        arguments, seen = await legal(walker, tool, choices(walker))
        await meanwhile(walker, arguments)
        done = await call(walker, tool, arguments, f"case-{number}", expects=seen)
        said = done.structured or {}
        case = (tool, meanwhile.__name__, said)
        if not matters:
            assert not done.is_error, case
            continue
        assert (done.is_error, said.get("code")) in ((True, "version_conflict"), (True, "state_conflict")), case
        if said["code"] == "version_conflict":
            assert said["details"][MOVED], case
            fresh = await call(walker, tool, arguments, f"case-{number}", mode="preview")
            if not fresh.is_error:  # asked again with what is there now, it is done
                bound = Expects((fresh.structured or {})["versions"])
                again = await call(walker, tool, arguments, f"case-{number}", expects=bound)
                assert not again.is_error, (case, again.structured)
                once = await call(walker, tool, arguments, f"case-{number}", expects=seen)
                assert (once.structured or {})["replayed"] is True, "what is done is done, whatever moved since"
