"""Closed books: nothing is dated into the closed time, what was booked there stays, and all else goes on."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.conftest import NOW, Shop
from tests.commerce.flows.order_rows import ago, one, open_shop, order, rows
from tests.commerce.other_shop import NOW as THEIR_NOW
from tests.commerce.other_workspaces import ASKED, all_rows, other_shop_template
from tests.commerce.walking import Json, Walker
from tests.commerce.write_attempts import attempts
from tests.engines import DatabaseUrls, Template
from tradepost.commerce.flows.collecting import capture_payment
from tradepost.commerce.flows.stock import adjust_stock
from tradepost.commerce.inventory.models import StockMovement
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.store.bookings import keep_books
from tradepost.commerce.store.books import close_books, reopen_books
from tradepost.commerce.store.models import StoreEvent, StoreSettings
from tradepost.commerce.store.store import Store
from tradepost.database.engine import Database
from tradepost.foundation.errors import InvalidArgument, StateConflict

FEBRUARY = date(2026, 2, 28)
# What these do is a dated booking of money or goods; all other writes go on whatever is closed.
BOOKS = {
    "adjust_stock",
    "cancel_order",
    "capture_payment",
    "convert_quote",
    "create_invoice",
    "create_shipment",
    "decide_claim",
    "edit_order_items",
    "initiate_refund",
    "receive_purchase_order",
    "receive_return",
    "record_return_disposition",
    "reserve_stock",
    "set_reorder_policy",
    "transfer_stock",
    "update_order_payment_method",
}
STEPS_BEFORE = (("create_quote", 1), ("approve_return", 3), ("receive_return", 1), ("assign_driver", 1))


class TestEveryTool:
    """A clock that stands in the closed time: the shop's hour is wrong, or was set back."""

    @pytest.fixture
    def database_template(self) -> Template:
        return other_shop_template()

    @pytest.fixture
    async def store(self, database_urls: DatabaseUrls) -> AsyncIterator[Database]:
        database = Database(database_urls.store)
        yield database
        await database.close()

    async def test_that_books_is_refused_with_the_days_and_changes_nothing(self, store: Database) -> None:
        walker = Walker(store)
        await walker.look_once()
        for name, most in STEPS_BEFORE:  # what other tools go on from
            done = 0
            for index, arguments in enumerate(attempts(walker, name)):
                _, error = await walker.call(name, **arguments, idempotency_key=f"before-{index}")
                done += not error
                if done == most:
                    break
        legal: dict[str, Json] = {}
        for tool in walker.writes():
            for arguments in attempts(walker, tool.name):
                _, error = await walker.call(tool.name, **arguments, dry_run=True)
                if not error:
                    legal[tool.name] = arguments
                    break
        assert legal.keys() == {tool.name for tool in walker.writes()}
        today = THEIR_NOW.date() + timedelta(days=1)  # theirs is far east
        async with store.transaction(ASKED, write=True) as session:
            (await session.scalars(select(StoreSettings))).one().books_closed_through = today
        before = await all_rows(store, ASKED)
        refused = set()
        for name, arguments in legal.items():
            for more in ({"dry_run": True}, {"idempotency_key": "k"}) if name in BOOKS else ({"dry_run": True},):
                answer, error = await walker.call(name, **arguments, **more)
                if error:
                    refused.add(name)
                    assert answer["code"] == "state_conflict", (name, answer)
                    assert (
                        f"closed through {today}, the first open day is {today + timedelta(days=1)}"
                        in (answer["message"])
                    )
                    assert answer["details"]["closed_through"] == today.isoformat()
                    assert "--reopen-from" in answer["hint"]
        assert refused == BOOKS
        assert await all_rows(store, ASKED) == before


def authorized(amount_minor: int, captured_minor: int, captured_at: datetime | None) -> Payment:
    return Payment(
        id="pay_9",
        number="P-9",
        order_id="ord_2",
        sequence=1,
        method_id="pm_card",
        psp_reference="psp_9",
        currency="EUR",
        status="partially_captured" if captured_minor else "authorized",
        amount_minor=amount_minor,
        captured_minor=captured_minor,
        authorized_at=ago(9),
        captured_at=captured_at,
        auth_expires_at=NOW + timedelta(days=5),
    )


@pytest.fixture
async def february(shop: Shop) -> Shop:
    """A shop on 2 March with an order paid on 10 February, one with a payment half taken on 27 February, and the books
    closed through February."""
    await open_shop(shop, order("1", ("SHIRT-S", 2)), order("2", ("SHIRT-M", 2), method=None))
    await shop.add(authorized(2500, 1000, ago(3)))
    async with shop.database.transaction("wsp_test", write=True) as session:
        row = await session.get(Order, ("wsp_test", "ord_2"))
        assert row is not None
        row.captured_minor, row.payment_status = 1000, "partially_paid"
    shop.offer((*capture_payment.TOOLS, *adjust_stock.TOOLS))
    await _close(shop, FEBRUARY)
    return shop


async def _close(shop: Shop, through: date, now: datetime = NOW) -> None:
    async with shop.database.transaction("wsp_test", write=True) as session:
        await close_books(Store(session, shop.caller(), now, "EUR"), through)


async def test_old_orders_go_on_with_bookings_of_today(february: Shop) -> None:
    await february.call("initiate_refund", order_id="1", amount_minor=500, currency="EUR", reason="goodwill")
    (refund,) = await rows(february, Refund)
    assert refund.refunded_at == NOW
    await february.call("cancel_order", order_id="1", reason="customer_request")
    await february.call("adjust_stock", sku="SHIRT-S", delta=1)
    assert {row.occurred_at for row in await rows(february, StockMovement)} == {NOW}
    assert (await one(february, Payment, "pay_1")).captured_at == ago(20)


async def test_the_rest_of_a_payment_of_the_closed_time_is_taken_as_one_of_today(february: Shop) -> None:
    done = await february.call("capture_payment", payment_id="P-9", reason="Parcel two")
    assert (done["amount"]["amount_minor"], done["left"]["amount_minor"]) == (1500, 0)
    assert done["order"]["payment_status"] == "paid"
    first, rest = sorted(await rows(february, Payment, Payment.order_id == "ord_2"), key=lambda row: row.sequence)
    assert (first.captured_minor, first.amount_minor, first.captured_at, first.status) == (
        1000,
        1000,
        ago(3),
        "captured",
    )
    assert (rest.captured_minor, rest.captured_at, rest.status) == (1500, NOW, "captured")
    assert (rest.psp_reference, rest.authorized_at, rest.number) == ("psp_9", ago(9), done["payment_number"])
    again = await february.refused("capture_payment", payment_id="P-9", reason="Once more")
    assert again["code"] == "state_conflict"
    await february.call("initiate_refund", order_id="2", amount_minor=2500, currency="EUR", reason="goodwill")


@pytest.mark.parametrize("field", ["captured_minor", "captured_at", "gone"])
async def test_what_was_booked_there_is_kept_even_from_a_flow_that_forgets(february: Shop, field: str) -> None:
    values: dict[str, Any] = {"captured_minor": 1999, "captured_at": NOW}
    with pytest.raises(StateConflict, match="payment P-1 cannot change any more: it was booked on 2026-02-10"):
        async with february.database.transaction("wsp_test", write=True) as session:
            keep_books(session)
            payment = (await session.scalars(select(Payment).where(Payment.id == "pay_1"))).one()
            if field == "gone":
                await session.delete(payment)
            else:
                setattr(payment, field, values[field])
            await session.flush()


async def test_books_close_forward_day_by_day_in_the_shops_own_time(shop: Shop) -> None:
    async with shop.database.transaction("wsp_test", write=True) as session:
        settings = (await session.scalars(select(StoreSettings))).one()
        settings.timezone = "America/Los_Angeles"
    early = datetime(2026, 3, 2, 7, 59, tzinfo=NOW.tzinfo)  # still the first of March there
    with pytest.raises(StateConflict, match="2026-03-01 is not over yet: it is 2026-03-01 in America/Los_Angeles"):
        await _close(shop, date(2026, 3, 1), early)
    await _close(shop, date(2026, 3, 1), early + timedelta(minutes=1))
    for day in (date(2026, 3, 1), FEBRUARY):
        with pytest.raises(StateConflict, match="closed through 2026-03-01 already"):
            await _close(shop, day)
    async with shop.database.transaction("wsp_test", write=True) as session:
        store = Store(session, shop.caller(), NOW, "EUR")
        with pytest.raises(StateConflict, match="open from 2026-03-02 on"):
            await reopen_books(store, date(2026, 3, 2))
        with pytest.raises(InvalidArgument):
            await reopen_books(store, date.min)
        opened = await reopen_books(store, date(2026, 2, 1))
    assert (opened.through, opened.first_open) == (date(2026, 1, 31), date(2026, 2, 1))
    told = [(row.type, row.payload["before"], row.payload["after"], row.actor) for row in await rows(shop, StoreEvent)]
    assert sorted(told) == [
        ("store:books_closed", None, "2026-03-01", "operator:test"),
        ("store:books_reopened", "2026-03-01", "2026-01-31", "operator:test"),
    ]
