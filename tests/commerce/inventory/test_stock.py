"""Moving units between states: the sum holds, every change leaves a movement."""

import pytest
from sqlalchemy import select

from tests.commerce.conftest import NOW, WORKSPACE, Shop
from tests.commerce.flows.supply import goods, level, location
from tradepost.commerce.inventory.models import StockLevel, StockMovement
from tradepost.commerce.inventory.stock import commit, expect, lock_levels, move, release_commitment, ship
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict

PLACE = ("X-1", "loc_WHA")


async def seed(shop: Shop) -> None:
    await shop.add(location("WHA", "Alpha"), *goods("X-1"), level("X-1", "WHA", 10))


async def test_units_move_between_states_and_leave_movements(shop: Shop) -> None:
    await seed(shop)
    async with shop.database.transaction(WORKSPACE, write=True) as session:
        store = Store(session, shop.caller(), NOW, "EUR")
        held = (await lock_levels(store, [PLACE]))[PLACE]
        commit(store, held, 4, "1001")
        release_commitment(store, held, 1, "1001")
        ship(store, held, 2, "1001")
        move(store, held, None, "quality_control", 5, "return", "RMA-1")
        expect(held, 7)
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        after = (await session.scalars(select(StockLevel))).one()
        moved = (await session.scalars(select(StockMovement))).all()
    assert (after.on_hand, after.available, after.committed, after.quality_control, after.incoming) == (13, 7, 1, 5, 7)
    for state, expected in (("available", -3), ("committed", 1), ("quality_control", 5)):
        assert sum(row.delta for row in moved if row.state == state) == expected
    assert sum(row.on_hand_delta for row in moved) == 3
    assert {row.actor for row in moved} == {"operator:test"}


async def test_too_few_units_are_refused_with_numbers_and_nothing_moves(shop: Shop) -> None:
    await seed(shop)
    async with shop.database.transaction(WORKSPACE, write=True) as session:
        store = Store(session, shop.caller(), NOW, "EUR")
        held = (await lock_levels(store, [PLACE, ("X-2", "loc_WHA")]))[PLACE]
        with pytest.raises(StateConflict, match="10 units available; 11 are wanted"):
            commit(store, held, 11, "1001")
        with pytest.raises(InvalidArgument):
            move(store, held, "available", "damaged", 0, "damage")
        assert (held.available, held.on_hand) == (10, 10)
