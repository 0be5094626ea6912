"""Meters: one limit for several processes, hardly any question, and no way around it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from tests.engines import DatabaseUrls
from tests.hub.limits.test_windows import Clock
from tradepost.database.engine import Database
from tradepost.database.windows import Ask
from tradepost.foundation.errors import RateLimited
from tradepost.hub.limits.meter import Key, Meter, Policy
from tradepost.hub.limits.shares import Answer, Shares

KEY: Key = ("ws_1", "agt_1")
CALLS = Policy("calls", "calls of this agent")


class Counted(Shares):
    """Shares that are counted; with `gone` the database does not answer."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asks: list[Ask] = []
        self.under_way = self.most_under_way = 0
        self.gone = False

    def ask(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        if self.gone:
            lost: Answer = asyncio.get_running_loop().create_future()
            lost.set_exception(OperationalError(None, None, ConnectionError("gone")))
            lost.exception()
            return lost
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        answer = super().ask(ask)
        answer.add_done_callback(self._ended)
        return answer

    def _ended(self, _answer: Answer) -> None:
        self.under_way -= 1


@pytest.fixture
def shares(database: Database) -> Counted:
    return Counted(database)


@pytest.fixture
async def elsewhere(database_urls: DatabaseUrls) -> AsyncIterator[Counted]:
    """Another process over the same database."""
    other = Database(database_urls.hub)
    yield Counted(other)
    await other.close()


async def used(meter: Meter, limit: int, times: int, key: Key = KEY) -> int:
    """How many of so many uses at once went through."""

    async def use() -> bool:
        try:
            waiting = meter.take(key, limit)
            if waiting is not None:
                await waiting
        except RateLimited:
            return False
        return True

    return sum(await asyncio.gather(*(use() for _ in range(times))))


@pytest.mark.parametrize("limit", [1, 10, 60, 600])
async def test_a_burst_gets_the_limit_and_not_one_more(shares: Counted, limit: int):
    meter = Meter(shares, CALLS)
    assert await used(meter, limit, 2 * limit) == limit
    assert await used(meter, limit, limit) == 0


@pytest.mark.parametrize("limit", [50, 600])
async def test_two_processes_in_a_burst_keep_one_limit(shares: Counted, elsewhere: Counted, limit: int):
    """Row 38: within a tenth, whoever gets how much of it."""
    here, there = Meter(shares, CALLS), Meter(elsewhere, CALLS)
    went = await asyncio.gather(*(used(meter, limit, 20) for _ in range(limit // 10) for meter in (here, there)))
    assert limit * 0.9 <= sum(went) <= limit * 1.1


async def test_a_process_that_hardly_calls_leaves_the_limit_to_the_others(shares: Counted, elsewhere: Counted):
    idle, busy = Meter(shares, CALLS), Meter(elsewhere, CALLS)
    few = await used(idle, 600, 10)
    assert 600 * 0.9 <= few + await used(busy, 600, 900) <= 600


async def test_a_process_that_starts_anew_goes_on_where_it_was(shares: Counted):
    assert await used(Meter(shares, CALLS), 600, 500) == 500
    assert 600 * 0.9 <= 500 + await used(Meter(shares, CALLS), 600, 300) <= 600 * 1.1


async def test_thousands_of_uses_cost_dozens_of_questions_one_after_the_other(shares: Counted):
    meter = Meter(shares, CALLS)
    assert await used(meter, 6_000, 6_000) == 6_000
    assert len(shares.asks) < 120
    assert shares.most_under_way == 1


async def test_the_first_uses_ask_nobody(shares: Counted):
    meter = Meter(shares, CALLS)
    assert all(meter.take(KEY, 6_000) is None for _ in range(40))
    assert shares.asks == []


async def test_another_key_is_not_held_up(shares: Counted):
    meter = Meter(shares, CALLS)
    assert await used(meter, 10, 30) == 10
    assert await used(meter, 10, 10, ("ws_1", "agt_2")) == 10
    assert await used(meter, 10, 10, ("ws_2", "agt_1")) == 10


async def test_a_refusal_says_which_limit_it_is_and_when_to_come_back_and_asks_nobody(shares: Counted):
    meter = Meter(shares, CALLS)
    await used(meter, 10, 11)
    asked = len(shares.asks)
    with pytest.raises(RateLimited) as refused:
        meter.take(KEY, 10)
    assert len(shares.asks) == asked
    assert refused.value.retry_after_seconds in range(55, 61)
    assert refused.value.details == {"policy": "calls", "limit": 10, "window_seconds": 60}
    assert meter.is_closed(KEY, 10)


async def test_a_clock_that_is_set_neither_opens_nor_closes_the_limit(database: Database):
    """F38: an hour back and forward in the process that counts, an hour back in one that starts then."""
    clock = Clock()
    shares = Shares(database, clock)
    meter = Meter(shares, CALLS)
    assert await used(meter, 100, 150) == 100
    clock.at -= timedelta(hours=1)
    assert await used(meter, 100, 20) == 0
    assert await used(Meter(shares, CALLS), 100, 20) <= 1  # its own hundredth
    clock.at += timedelta(hours=2)
    assert await used(meter, 100, 20) == 0
    busy: Key = ("ws_1", "agt_2")
    assert await used(meter, 100, 50, busy) == 50
    clock.at -= timedelta(hours=1)
    assert await used(meter, 100, 20, busy) == 20
    clock.at += timedelta(hours=2)
    assert 90 <= 70 + await used(meter, 100, 60, busy) <= 110


async def test_another_limit_holds_at_once_up_and_down(shares: Counted):
    meter = Meter(shares, CALLS)
    assert await used(meter, 10, 20) == 10
    assert await used(meter, 30, 40) == 20
    assert await used(meter, 10, 10) == 0
    assert await used(meter, 31, 10) == 1


async def test_a_lower_limit_takes_back_what_was_not_spent(shares: Counted, elsewhere: Counted):
    meter = Meter(shares, CALLS)
    assert await used(meter, 100_000, 2_000) == 2_000
    assert await used(meter, 1_000, 10) == 0
    assert 0 <= await used(Meter(elsewhere, CALLS), 2_100, 500) <= 100 + 21


async def test_without_the_database_a_process_keeps_the_limit_alone(shares: Counted):
    meter = Meter(shares, CALLS)
    shares.gone = True
    assert 600 <= await used(meter, 600, 1_000) <= 606
    shares.gone = False
    assert await used(meter, 700, 200) <= 100  # and owes what it took


async def test_memory_is_bounded_and_a_key_that_made_room_stays_counted(shares: Counted):
    meter = Meter(shares, Policy("calls", "calls", most_kept=50))
    assert await used(meter, 10, 20) == 10
    for number in range(200):
        await used(meter, 10, 1, ("ws_1", f"agt_{number + 10}"))
    assert len(meter) == 50
    assert await used(meter, 10, 10) == 0


async def test_a_window_ends_by_itself_and_leaves_nothing(shares: Counted):
    meter = Meter(shares, Policy("calls", "calls", seconds=1))
    assert await used(meter, 3, 5) == 3
    closed = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(1.05, closed.set_result, None)
    await closed
    assert len(meter) == 0
    assert await used(meter, 3, 5) == 3


async def test_the_headers_tell_of_the_limit_and_of_what_is_left(shares: Counted):
    meter = Meter(shares, CALLS)
    assert meter.line(KEY) == b""
    await used(meter, 600, 300)
    policy, left = meter.line(KEY).decode().splitlines()
    assert policy == 'ratelimit-policy: "calls";q=600;w=60'
    name, _, number = left.rpartition("=")
    assert name == 'ratelimit: "calls";r'
    assert 250 <= int(number) <= 350
