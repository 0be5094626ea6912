"""Work in rounds ends before what it uses is closed, and a failed round is not the last one."""

import asyncio

import pytest

from tradepost.foundation.rounds import Rounds

SECONDS = 10.0


class Work:
    """Rounds that go on for as long as `gate` is closed."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.over = asyncio.Event()
        self.ends: list[str] = []

    async def once(self) -> None:
        self.begun.set()
        try:
            await self.gate.wait()
            self.ends.append("ended")
        except asyncio.CancelledError:
            self.ends.append("broken off")
            raise
        finally:
            self.over.set()


async def stopping_in_the_middle() -> tuple[Work, asyncio.Task[None]]:
    """A round under way, and the stop that waits for it."""
    work = Work()
    rounds = Rounds("test", work.once, 0.0)
    rounds.start()
    await asyncio.wait_for(work.begun.wait(), SECONDS)
    stopping = asyncio.create_task(rounds.stop())
    await asyncio.sleep(0)
    assert rounds.is_stopping
    return work, stopping


async def test_stopping_waits_for_the_round_under_way_and_begins_no_other() -> None:
    work, stopping = await stopping_in_the_middle()
    assert not stopping.done()
    work.gate.set()
    await asyncio.wait_for(stopping, SECONDS)
    assert work.ends == ["ended"]


async def test_a_round_that_does_not_end_is_broken_off_after_the_grace() -> None:
    work = Work()
    rounds = Rounds("test", work.once, 0.0)
    rounds.start()
    await asyncio.wait_for(work.begun.wait(), SECONDS)
    await asyncio.wait_for(rounds.stop(grace_seconds=0.0), SECONDS)
    assert work.ends == ["broken off"]


async def test_stopping_that_is_itself_broken_off_leaves_no_round_behind() -> None:
    work, stopping = await stopping_in_the_middle()
    stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
    await asyncio.wait_for(work.over.wait(), SECONDS)
    assert work.ends == ["broken off"]


async def test_a_failed_round_is_said_and_the_next_one_comes(caplog: pytest.LogCaptureFixture) -> None:
    failures = iter([ValueError("odd"), KeyError("more")])
    through = asyncio.Event()

    async def once() -> None:
        for failure in failures:
            raise failure
        through.set()

    rounds = Rounds("test", once, 0.0)
    rounds.start()
    await asyncio.wait_for(through.wait(), SECONDS)
    await rounds.stop()
    assert [record.getMessage() for record in caplog.records] == ["test: a round failed; the next one comes"] * 2


async def test_stopped_rounds_can_be_started_again() -> None:
    work = Work()
    work.gate.set()
    rounds = Rounds("test", work.once, SECONDS)
    await rounds.stop()
    for turn in (1, 2):
        rounds.start()
        rounds.start()
        await asyncio.wait_for(work.begun.wait(), SECONDS)
        await rounds.stop()
        assert work.ends == ["ended"] * turn
        work.begun.clear()
