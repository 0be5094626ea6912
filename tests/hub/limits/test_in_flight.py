"""Slots: a bounded number runs, a bounded line waits, the rest is refused at once."""

import asyncio

import pytest

from tradepost.foundation.errors import Unavailable
from tradepost.hub.limits.in_flight import InFlight, Part


async def test_slots_are_given_back_and_handed_on_in_order():
    slots, order = InFlight("server", running=1, waiting=5), []

    async def call(name: str) -> None:
        async with slots.slot("srv", "orders"):
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(call(name) for name in "abcd"))
    assert order == list("abcd")
    assert slots.running("srv") == 0


async def test_a_full_line_is_refused_with_a_time_to_come_back():
    slots = InFlight("server", running=1, waiting=1)
    await slots.acquire("srv", "orders")
    waiting = asyncio.create_task(slots.acquire("srv", "orders"))
    await asyncio.sleep(0)

    with pytest.raises(Unavailable) as refused:
        await slots.acquire("srv", "orders")
    assert refused.value.retry_after_seconds == 1.0
    slots.release("srv")
    await waiting
    assert slots.running("srv") == 1


async def test_one_key_does_not_hold_up_another():
    slots = InFlight("server", running=1, waiting=0)
    await slots.acquire("slow", "slow")
    await slots.acquire("quick", "quick")
    assert slots.running("quick") == 1


async def test_whoever_stops_waiting_leaves_the_line():
    slots = InFlight("server", running=1, waiting=2)
    await slots.acquire("srv", "orders")
    gone = asyncio.create_task(slots.acquire("srv", "orders"))
    next_one = asyncio.create_task(slots.acquire("srv", "orders"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)

    slots.release("srv")
    await next_one
    slots.release("srv")
    assert slots.running("srv") == 0


async def test_a_slot_handed_to_one_who_just_left_goes_on_to_the_next():
    slots = InFlight("server", running=1, waiting=2)
    await slots.acquire("srv", "orders")
    first, second = (asyncio.create_task(slots.acquire("srv", "orders")) for _ in range(2))
    await asyncio.sleep(0)
    slots.release("srv")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await second
    slots.release("srv")
    assert slots.running("srv") == 0


async def test_whoever_waits_too_long_is_refused_and_leaves_the_line():
    slots = InFlight("server", running=1, waiting=2)
    await slots.acquire("srv", "orders")
    with pytest.raises(Unavailable):
        await slots.acquire("srv", "orders", 0.0)
    slots.release("srv")
    assert slots.running("srv") == 0


async def test_whoever_leaves_at_the_moment_of_being_passed_over_is_just_gone():
    slots = InFlight("server", running=1, waiting=2)
    await slots.acquire("srv", "orders")
    gone = asyncio.create_task(slots.acquire("srv", "orders"))
    await asyncio.sleep(0)
    gone.cancel()
    slots.release("srv")  # before the one that left has run again
    assert isinstance((await asyncio.gather(gone, return_exceptions=True))[0], asyncio.CancelledError)
    assert slots.running("srv") == 0


async def test_a_lower_number_holds_from_the_next_call_on():
    slots = InFlight("server", running=3, waiting=5)
    for _ in range(3):
        await slots.acquire("srv", "orders")
    waits = asyncio.create_task(slots.acquire("srv", "orders", running=1))
    await asyncio.sleep(0)
    slots.release("srv")
    slots.release("srv")
    await asyncio.sleep(0)
    assert not waits.done()
    slots.release("srv")
    await waits
    assert slots.running("srv") == 1


async def test_a_higher_number_lets_those_in_line_go_first():
    slots, order = InFlight("server", running=1, waiting=5), []

    async def call(name: str, running: int) -> None:
        await slots.acquire("srv", "orders", running=running)
        order.append(name)

    await call("a", 1)
    waiting = [asyncio.create_task(call(name, 1)) for name in "bc"]
    await asyncio.sleep(0)
    waiting.append(asyncio.create_task(call("d", 3)))
    await asyncio.wait(waiting[:2])
    assert order == list("abc")
    assert slots.running("srv") == 3
    slots.release("srv")
    await waiting[2]


async def test_a_line_of_its_own_length():
    slots = InFlight("server", running=1, waiting=5)
    await slots.acquire("srv", "orders")
    with pytest.raises(Unavailable):
        await slots.acquire("srv", "orders", waiting=0)


def test_the_parts_of_all_processes_come_to_the_whole():
    for of in range(1, 10):
        for most in (1, 2, 3, 7, 64, 128, 150):
            shares = [Part(place, of).share(most) for place in range(of)]
            assert sum(shares) == max(most, of)
            assert max(shares) - min(shares) <= 1


async def test_a_part_bounds_what_runs():
    slots = InFlight("server", running=4, waiting=0, part=Part(1, 2))
    assert [slots.take("a") for _ in range(3)] == [True, True, False]
    assert [slots.take("b", running=3) for _ in range(2)] == [True, False]


async def test_another_part_holds_at_once_and_stops_nothing():
    slots = InFlight("server", running=4, waiting=5)
    assert [slots.take("srv") for _ in range(4)] == [True] * 4
    slots.divide(Part(1, 2))
    slots.release("srv")
    slots.release("srv")
    waits = asyncio.create_task(slots.acquire("srv", "orders"))
    await asyncio.sleep(0)
    assert not waits.done()  # two of its own run
    slots.divide(Part(0, 1))
    await waits
    assert slots.running("srv") == 3
