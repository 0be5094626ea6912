"""What one network address may do before anybody knows who it is: few wrong credentials, many requests.

Wrong credentials are what is held down. Once an address has sent too many, no credential from there is looked up until
the minute is over, except those that this process has verified before: an office behind one address is not locked out
by one of its programs with an old key. Right requests have a limit that only a flood reaches.

Credentials that were never seen here are looked up two at a time, whoever sends them: thousands of wrong ones from
everywhere wait for each other, and not everybody else for them.

Addresses of IPv6 count by /64, since whoever has one of those has them all. The limiter's memory is bounded: an address
that had to make room is counted on where it stopped, in the database.
"""

import asyncio
from collections.abc import Awaitable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from tradepost.hub.limits.in_flight import InFlight, Slot
from tradepost.hub.limits.meter import Key, Meter, Policy
from tradepost.hub.limits.settings import REQUESTS_PER_MINUTE, WRONG_PER_MINUTE
from tradepost.hub.limits.shares import Shares

LOOKED_UP_AT_ONCE = 2
WAITING = 10_000
WAIT_SECONDS = 10.0
WRONG_AT_ONCE = 50  # refusals of a process that go out as soon as they are known
WRONG_PER_SECOND = 500  # more than any mistake makes; a flood waits for its turn
LONGEST_PAUSE_SECONDS = 1.0
_NOBODYS = "*"
_MOST_KEPT = 5_000  # 0.7 KiB each, in each of two meters

_WRONG = Policy("credentials", "wrong credentials from this address", free=0.05, most_kept=_MOST_KEPT)
_REQUESTS = Policy("requests", "requests from this address", most_kept=_MOST_KEPT)


class Addresses:
    """Counts for all addresses. An empty address (a server that does not tell it) counts as one."""

    def __init__(self, shares: Shares, wrong: int = WRONG_PER_MINUTE, requests: int = REQUESTS_PER_MINUTE) -> None:
        self._wrong, self._wrong_limit = Meter(shares, _WRONG), wrong
        self._requests, self._requests_limit = Meter(shares, _REQUESTS), requests
        self._next_refusal = 0.0  # when the one before, and all before it, would have had their turns
        self._looked_up = InFlight("hub", LOOKED_UP_AT_ONCE, WAITING)

    def came(self, address: str) -> Awaitable[None] | None:
        """A request came; to be waited for where that is not counted at once. Raises RateLimited."""
        return self._requests.take(key_of(address), self._requests_limit)

    def check(self, address: str) -> None:
        """Before a credential is looked up. Raises RateLimited for an address that sent too many wrong ones."""
        key = key_of(address)
        if self._wrong.is_closed(key, self._wrong_limit):
            raise self._wrong.refusal(key, self._wrong_limit)

    def look_up(self) -> Slot:
        """A place for looking one up, `async with` it and check the address again: a hundred at once from there are
        counted before they are through. Raises Unavailable."""
        return self._looked_up.slot("", "with new credentials", WAIT_SECONDS)

    async def failed(self, address: str) -> None:
        """A credential was wrong. Raises RateLimited when that was one too many."""
        waiting = self._wrong.take(key_of(address), self._wrong_limit)
        if waiting is not None:
            await waiting

    async def hold_back(self) -> None:
        """Before a wrong or untried credential is refused. A flood of them, from however many addresses, gets its
        answers no faster than this process can give them beside its work: others' calls would wait behind them."""
        now = asyncio.get_running_loop().time()
        turn = max(self._next_refusal, now - WRONG_AT_ONCE / WRONG_PER_SECOND) + 1 / WRONG_PER_SECOND
        self._next_refusal = min(turn, now + LONGEST_PAUSE_SECONDS)
        if self._next_refusal > now:
            await asyncio.sleep(self._next_refusal - now)

    @property
    def kept(self) -> int:
        """How many windows of addresses are in memory."""
        return len(self._wrong) + len(self._requests)


@lru_cache(maxsize=_MOST_KEPT)
def key_of(address: str) -> Key:
    """Who counts as one with an address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return _NOBODYS, address[:64]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return _NOBODYS, str(found.ipv4_mapped)
        return _NOBODYS, f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return _NOBODYS, str(found)
