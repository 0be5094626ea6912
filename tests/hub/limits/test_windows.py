"""Shares of windows in the database: exact together, durable, and indifferent to clocks that are set."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.engines import DatabaseUrls
from tradepost.database.engine import Database
from tradepost.database.windows import Ask, Share
from tradepost.foundation.clock import Now
from tradepost.hub.limits.shares import Shares

NOON = datetime(2026, 2, 24, 12, tzinfo=UTC)
MINUTE = 60_000
DAY = 86_400_000


class Clock:
    """A wall clock that tests set."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


def ask(wanted: int = 40, **more: object) -> Ask:
    return Ask("ws_1", "calls/agt_1", MINUTE, 100, wanted)._replace(**more)  # type: ignore[arg-type]


async def test_all_shares_together_are_the_limit(database: Database):
    shares = Shares(database)
    given = [(await shares.ask(ask())).given for _ in range(4)]
    assert given == [40, 40, 20, 0]


@pytest.mark.two_processes
async def test_whoever_asks_at_once_from_two_processes_gets_no_more_than_the_limit(
    database: Database, database_urls: DatabaseUrls
):
    """security.md row 38."""
    other = Database(database_urls.hub)
    first, second = Shares(database), Shares(other)
    answers = await asyncio.gather(*(shares.ask(ask(7)) for _ in range(20) for shares in (first, second)))
    assert sum(answer.given for answer in answers) == 100
    assert max(answer.taken for answer in answers) == 100
    await other.close()


async def test_all_or_nothing_and_back(database: Database):
    shares = Shares(database)
    assert (await shares.ask(ask(70, least=70))).given == 70
    assert (await shares.ask(ask(31, least=31))).given == 0
    assert (await shares.ask(ask(-20))).taken == 50
    assert (await shares.ask(ask(31, least=31))).taken == 81
    assert (await shares.ask(ask(-200))).taken == 0


async def test_a_window_lasts_from_its_first_use_for_its_length(database: Database):
    clock = Clock()
    shares = Shares(database, clock)
    first = await shares.ask(ask(100))
    clock.at += timedelta(seconds=59)
    assert await shares.ask(ask(1)) == Share(0, 100, first.started_ms, 1_000)
    clock.at += timedelta(seconds=1)
    assert await shares.ask(ask(1)) == Share(1, 1, first.started_ms + MINUTE, MINUTE)


async def test_a_day_ends_at_midnight(database: Database):
    clock = Clock()
    shares = Shares(database, clock)
    of_day = ask(100, length_ms=DAY, aligned=True)
    assert (await shares.ask(of_day)).rest_ms == DAY // 2
    clock.at += timedelta(hours=12)
    assert await shares.ask(of_day) == Share(100, 100, int(clock.at.timestamp() * 1_000), DAY)


async def test_a_clock_set_back_neither_opens_nor_closes_a_window(database: Database):
    """F38: what was taken stays taken, and the window is over a minute later."""
    clock = Clock()
    shares = Shares(database, clock)
    await shares.ask(ask(90))
    clock.at -= timedelta(hours=1)
    assert (await shares.ask(ask(90)))[:2] == (10, 100)
    clock.at += timedelta(seconds=60)
    assert (await shares.ask(ask(90))).given == 90


async def test_a_clock_set_forward_does_not_end_a_window_that_is_known_to_be_on(database: Database):
    clock = Clock()
    shares = Shares(database, clock)
    first = await shares.ask(ask(90))
    clock.at += timedelta(hours=1)
    assert (await shares.ask(ask(90, known_ms=first.started_ms))).given == 10
    assert (await shares.ask(ask(90))).given == 90  # whoever knows nothing of it begins a new one


async def test_questions_that_come_together_are_few_statements(database: Database):
    class Counting(Database):
        statements = 0

        async def take_shares(self, asks: Sequence[Ask], now: Now | None = None) -> dict[tuple[str, str], Share]:
            self.statements += 1
            return await super().take_shares(asks, now)

    counting = Counting(str(database.url.render_as_string(hide_password=False)))
    shares = Shares(counting)
    answers = await asyncio.gather(*(shares.ask(ask(1, id=f"calls/{number}")) for number in range(300)))
    assert all(answer.given == 1 for answer in answers)
    assert counting.statements == 2
    await counting.close()


async def test_old_windows_are_swept_and_new_ones_stay(database: Database):
    clock = Clock()
    shares = Shares(database, clock)
    await shares.ask(ask(60, id="calls/old"))
    clock.at += timedelta(hours=2)
    await shares.ask(ask(60, id="calls/new"))
    await shares.sweep()
    clock.at -= timedelta(hours=2)  # what is still there is found again
    assert [(await shares.ask(ask(100, id=f"calls/{name}"))).given for name in ("old", "new")] == [100, 40]
