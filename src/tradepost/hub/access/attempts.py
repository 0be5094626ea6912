"""How often somebody may try to get in: buckets in the database, so that all processes count together.

Counted are the account from one address (strictly), the address (loosely: an office has one for many), and the account
from everywhere (slowly). Others can use up the last one, so it does not count for a place from which the person has
signed in before: nobody locks the honest one out.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import RateLimited
from tradepost.hub.access.person_models import BEFORE_SIGN_IN, SignInBucket

KNOWN_FOR = timedelta(days=30)
TIDY_EVERY = 200  # attempts


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many attempts at once, and one more each time so many seconds have passed."""

    kind: str
    at_once: int
    seconds: int


HERE = Allowance("account from an address", 8, 60)
ADDRESS = Allowance("address", 60, 5)
ACCOUNT = Allowance("account", 100, 30)
CODE = Allowance("second factor", 8, 300)
LINK = Allowance("link", 30, 10)


class Attempts:
    """Counts attempts."""

    def __init__(self, database: Database, now: Now = system_now) -> None:
        self._database = database
        self._now = now
        self._counted = 0

    async def sign_in(self, account: str, address: str) -> None:
        """Count an attempt to sign in, before anything is looked up. Raises RateLimited."""
        await self.count(ADDRESS, address)
        if not await self.count(HERE, account, address):
            await self.count(ACCOUNT, account)

    async def count(self, allowance: Allowance, *whom: str) -> bool:
        """Count an attempt; whether the place is known. Raises RateLimited when none is left, and counts nothing."""
        try:
            return await self._count(allowance, whom)
        except IntegrityError:  # two began the bucket at the same moment
            return await self._count(allowance, whom)

    async def succeeded(self, account: str, address: str) -> None:
        """Somebody has signed in: the account has all attempts from there again, and is known there."""
        now = self._now()
        async with self._database.transaction(BEFORE_SIGN_IN, write=True) as session:
            bucket = await _locked(session, _name(HERE, (account, address)))
            if bucket is not None:
                bucket.emptied_at, bucket.known_until = now, now + KNOWN_FOR

    async def _count(self, allowance: Allowance, whom: tuple[str, ...]) -> bool:
        now, step = self._now(), timedelta(seconds=allowance.seconds)
        async with self._database.transaction(BEFORE_SIGN_IN, write=True) as session:
            await self._tidy(session, now)
            name = _name(allowance, whom)
            bucket = await _locked(session, name)
            if bucket is None:
                session.add(SignInBucket(id=name, emptied_at=now + step))
                return False
            emptied_at = max(bucket.emptied_at, now)
            over = emptied_at - now - step * (allowance.at_once - 1)
            if over > timedelta():
                raise RateLimited(
                    "Too many attempts.",
                    hint="Wait a moment and try again. Who has lost the password asks an admin for a new link.",
                    retry_after_seconds=over.total_seconds(),
                )
            bucket.emptied_at = emptied_at + step
            return bucket.known_until is not None and bucket.known_until > now

    async def _tidy(self, session: AsyncSession, now: datetime) -> None:
        """Forget what counts nothing any more."""
        self._counted += 1
        if self._counted % TIDY_EVERY:
            return
        unknown = or_(SignInBucket.known_until.is_(None), SignInBucket.known_until <= now)
        await session.execute(delete(SignInBucket).where(SignInBucket.emptied_at <= now, unknown))


def place_of(address: str) -> str:
    """The address as it is counted: of IPv6 the network, which one customer has as a whole."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _name(allowance: Allowance, whom: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join((allowance.kind, *whom)).encode()).hexdigest()


async def _locked(session: AsyncSession, name: str) -> SignInBucket | None:
    found: SignInBucket | None = await session.scalar(
        select(SignInBucket).where(SignInBucket.id == name).with_for_update()
    )
    return found
