"""A limit of time that costs nothing where nothing has to be waited for, and holds where something has."""

import asyncio

import pytest

from tradepost.protocol.at_once import within

LONG = 60.0


async def test_what_is_there_needs_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def there() -> str:
        return "there"

    def no_timer(_seconds: float) -> None:
        raise AssertionError("a timer was set")

    monkeypatch.setattr(asyncio, "timeout", no_timer)
    assert await within(LONG, there()) == "there"


async def test_what_comes_later_is_waited_for() -> None:
    news: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def three_times() -> int:
        await asyncio.sleep(0)
        first = await news
        await asyncio.sleep(0)
        return first + 1

    waiting = asyncio.ensure_future(within(LONG, three_times()))
    await asyncio.sleep(0)
    news.set_result(6)
    assert await waiting == 7
    assert await within(LONG, news) == 6


async def test_an_error_comes_out_whether_early_or_late() -> None:
    async def fails(*, late: bool) -> None:
        if late:
            await asyncio.sleep(0)
        raise ValueError("no")

    for late in (False, True):
        with pytest.raises(ValueError, match="no"):
            await within(LONG, fails(late=late))


async def test_it_ends_with_its_time() -> None:
    ended: list[str] = []

    async def for_ever() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("cleaned up")

    with pytest.raises(TimeoutError):
        await within(0.01, for_ever())
    assert ended == ["cleaned up"]


async def test_cancelling_reaches_what_waits() -> None:
    heard: list[str] = []

    async def listens() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    waiting = asyncio.ensure_future(within(LONG, listens()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert heard == ["cancelled"]
