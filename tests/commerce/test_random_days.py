"""Sixteen people work at once, each doing what comes to mind: stock and money are conserved, and every record is in a
state that its machine allows from where it started."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.commerce.adding_up import adds_up
from tests.commerce.other_workspaces import ASKED, NEIGHBOR, all_rows, other_shop_template
from tests.commerce.walking import Walker
from tests.commerce.write_attempts import ATTEMPTS
from tests.engines import DatabaseUrls, Template
from tradepost.commerce.billing.models import Quote, Subscription
from tradepost.commerce.billing.states import QUOTE, SUBSCRIPTION
from tradepost.commerce.claims.models import Claim
from tradepost.commerce.claims.states import CLAIM
from tradepost.commerce.inventory.models import Reservation, StockLevel, StockMovement
from tradepost.commerce.logistics.models import Delivery, Shipment
from tradepost.commerce.logistics.states import DELIVERY, SHIPMENT
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.states import ORDER_TRANSITIONS
from tradepost.commerce.payments.models import Dispute, Payment
from tradepost.commerce.payments.states import DISPUTE_TRANSITIONS, PAYMENT_TRANSITIONS
from tradepost.commerce.purchasing.models import PurchaseOrder
from tradepost.commerce.purchasing.states import PURCHASE_ORDER
from tradepost.commerce.returns.models import Return
from tradepost.commerce.returns.states import RETURN_TRANSITIONS
from tradepost.database.engine import Database

CLIENTS = 16
CALLS = 25
STATES = ("available", "committed", "reserved", "damaged", "quality_control", "safety_stock")
MACHINES: Mapping[Any, Mapping[str, tuple[str, ...]]] = {
    Order: ORDER_TRANSITIONS,
    Shipment: SHIPMENT,
    Delivery: DELIVERY,
    Return: RETURN_TRANSITIONS,
    PurchaseOrder: PURCHASE_ORDER,
    Claim: CLAIM,
    Payment: PAYMENT_TRANSITIONS,
    Dispute: DISPUTE_TRANSITIONS,
    Quote: QUOTE,
    Subscription: SUBSCRIPTION,
}


@pytest.fixture
def database_template() -> Template:
    return other_shop_template()


@pytest.fixture
async def store(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(database_urls.store)
    yield database
    await database.close()


async def statuses(store: Database) -> dict[tuple[Any, str], str]:
    async with store.transaction(ASKED, write=False) as session:
        return {
            (model, row_id): status
            for model in MACHINES
            for row_id, status in await session.execute(select(model.id, model.status))
        }


async def shelves(store: Database) -> dict[tuple[str, str], dict[str, int]]:
    """Per sku and place: on_hand and each state."""
    async with store.transaction(ASKED, write=False) as session:
        return {
            (level.sku, level.location_id): {name: getattr(level, name) for name in ("on_hand", *STATES)}
            for level in await session.scalars(select(StockLevel))
        }


async def moved(store: Database) -> dict[tuple[str, str], dict[str, int]]:
    """Per sku and place: what the movements add up to."""
    sums: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    async with store.transaction(ASKED, write=False) as session:
        for row in await session.scalars(select(StockMovement)):
            sums[row.sku, row.location_id][row.state] += row.delta
            sums[row.sku, row.location_id]["on_hand"] += row.on_hand_delta
    return sums


def reachable(machine: Mapping[str, tuple[str, ...]], start: str) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        for state in machine.get(waiting.pop(), ()):
            if state not in found:
                found.add(state)
                waiting.append(state)
    return found


async def a_day(walker: Walker, chance: random.Random, who: int) -> int:
    """What one person does. Returns how much of it was carried out."""
    done = 0
    names = sorted(ATTEMPTS)
    for index in range(CALLS):
        tool = chance.choice(names)
        choices = list(ATTEMPTS[tool](walker))
        if choices:
            _, error = await walker.call(tool, **chance.choice(choices), idempotency_key=f"{who}-{index}")
            done += not error
    return done


@pytest.mark.parametrize("seed", [1])
async def test_whatever_sixteen_people_do_at_once_adds_up(store: Database, seed: int) -> None:
    walker = Walker(store)
    await walker.look_once()
    neighbor = await all_rows(store, NEIGHBOR)
    states, before, old = await statuses(store), await shelves(store), await moved(store)

    chance = random.Random(seed)
    carried_out = await asyncio.gather(*(a_day(walker, random.Random(chance.random()), who) for who in range(CLIENTS)))
    assert sum(carried_out) > CLIENTS

    await adds_up(store)
    after, new = await shelves(store), await moved(store)
    for place, level in after.items():
        start = before.get(place, dict.fromkeys(level, 0))
        for name, count in level.items():
            assert count - start[name] == new[place][name] - old[place][name], (place, name)
    async with store.transaction(ASKED, write=False) as session:
        held = select(Reservation.sku, Reservation.location_id, func.sum(Reservation.quantity)).where(
            Reservation.status == "held"
        )
        for sku, place, units in await session.execute(held.group_by(Reservation.sku, Reservation.location_id)):
            assert int(units) <= after[sku, place]["reserved"]
    for (model, row_id), status in (await statuses(store)).items():
        start_state = states.get((model, row_id))
        if start_state is not None:
            assert status in reachable(MACHINES[model], start_state), (model.__tablename__, row_id, start_state, status)
    assert await all_rows(store, NEIGHBOR) == neighbor
