"""Before anybody is known: wrong credentials are held down, right ones are not, memory is bounded (security.md, 37)."""

import asyncio

import pytest

from tradepost.database.engine import Database
from tradepost.foundation.errors import RateLimited
from tradepost.hub.limits.addresses import LONGEST_PAUSE_SECONDS, WRONG_AT_ONCE, Addresses, key_of
from tradepost.hub.limits.settings import REQUESTS_PER_MINUTE, WRONG_PER_MINUTE
from tradepost.hub.limits.shares import Shares


@pytest.fixture
def addresses(database: Database) -> Addresses:
    return Addresses(Shares(database))


async def guessed(addresses: Addresses, address: str) -> bool:
    """Whether a wrong credential was looked at."""
    try:
        addresses.check(address)
        async with addresses.look_up():
            addresses.check(address)
            await addresses.failed(address)
    except RateLimited:
        return False
    return True


async def test_so_many_wrong_credentials_and_no_more_from_one_address(addresses: Addresses):
    guesses = [await guessed(addresses, "192.0.2.7") for _ in range(200)]
    assert sum(guesses) == WRONG_PER_MINUTE
    assert guesses[WRONG_PER_MINUTE:] == [False] * (200 - WRONG_PER_MINUTE)
    assert await guessed(addresses, "192.0.2.8")


async def test_guesses_at_once_are_counted_before_they_are_through(addresses: Addresses):
    guesses = await asyncio.gather(*(guessed(addresses, "192.0.2.7") for _ in range(200)))
    assert sum(guesses) <= WRONG_PER_MINUTE * 1.1


async def test_guesses_in_two_processes_are_counted_together(database: Database):
    here, there = Addresses(Shares(database)), Addresses(Shares(database))
    guesses = [await guessed(addresses, "192.0.2.7") for _ in range(60) for addresses in (here, there)]
    assert WRONG_PER_MINUTE * 0.9 <= sum(guesses) <= WRONG_PER_MINUTE * 1.1


async def test_an_address_of_ipv6_is_its_network_and_a_mapped_one_is_itself():
    assert key_of("2001:db8::1") == key_of("2001:db8:0:0:ffff::9") != key_of("2001:db8:0:1::1")
    assert key_of("::ffff:192.0.2.7") == key_of("192.0.2.7")
    assert key_of("fe80::1%eth0") == key_of("fe80::2")
    assert key_of("") != key_of("192.0.2.7")
    assert len(key_of("x" * 10_000)[1]) == 64


async def test_many_addresses_are_counted_in_bounded_memory(addresses: Addresses):
    """10,000 bad keys from 10,000 addresses, and twice as many requests: nothing is asked of the database."""
    for number in range(25_000):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        assert addresses.came(address) is None
        if number < 10_000:
            assert await guessed(addresses, address)
    assert addresses.kept <= 10_000


async def test_an_office_behind_one_address_is_not_locked_out(addresses: Addresses):
    """50 agents that call twice a second for a minute."""
    for _ in range(50 * 120):
        counted = addresses.came("198.51.100.1")
        if counted is not None:
            await counted
    addresses.check("198.51.100.1")
    assert REQUESTS_PER_MINUTE > 50 * 120


async def test_a_flood_of_requests_is_refused(database: Database):
    addresses = Addresses(Shares(database), requests=500)
    with pytest.raises(RateLimited) as refused:
        for _ in range(600):
            counted = addresses.came("198.51.100.1")
            if counted is not None:
                await counted
    assert refused.value.details["policy"] == "requests"


async def test_a_flood_of_wrong_credentials_is_answered_no_faster_than_it_may(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
):
    """A few are refused at once; of many, each waits a little longer than the one before, and none longer than a
    second."""
    pauses: list[float] = []

    async def noted(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("tradepost.hub.limits.addresses.asyncio.sleep", noted)
    for _ in range(WRONG_AT_ONCE - 1):
        await addresses.hold_back()
    assert pauses == []
    for _ in range(5_000):
        await addresses.hold_back()
    assert 0 < pauses[WRONG_AT_ONCE] < pauses[4 * WRONG_AT_ONCE] <= LONGEST_PAUSE_SECONDS
    assert max(pauses) <= LONGEST_PAUSE_SECONDS
