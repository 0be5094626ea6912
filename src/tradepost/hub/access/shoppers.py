"""Shopper sessions: a shop's backend lets one of its signed-in customers in, for some minutes.

A session is bound to one customer and one customer-facing profile for as long as it lives. Who the customer is, the
shop says when it mints; nothing that the session sends can change it. Minting changes nothing that anybody has compiled
or remembers, so it is written down without raising the registry version: a shop mints thousands an hour. Revoking
raises it, and so acts on the very next call.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import find_profile
from tradepost.hub.access.changes import note, record_change
from tradepost.hub.access.models import Profile, ShopperSession
from tradepost.hub.access.roles import require_role
from tradepost.hub.access.tokens import digest_of, new_token

MINTING_SCOPE = "manage:api_keys"
# What a shopper can be given: their own affairs, and what anybody may read in the shop.
SHOPPER_SCOPES = frozenset(
    {"me:orders.read", "me:orders.write", "me:returns", "me:invoices", "read:content", "read:policies"}
)
LIVES = timedelta(minutes=15)
AT_LEAST, AT_MOST = timedelta(minutes=1), timedelta(minutes=60)
KEPT_FOR = timedelta(days=30)  # after its end: an action it asked for may still wait for a person
MOST_LISTED = 200
Shown = Callable[[AsyncSession, str], Awaitable[frozenset[str]]]  # scopes of what a profile shows, by its id
_CUSTOMER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


@dataclass(frozen=True, slots=True)
class MintedSession:
    """A new session. `token` is the whole secret; this is the only time it exists."""

    id: str
    prefix: str
    token: str
    customer: str
    profile: str
    scopes: tuple[str, ...]
    expires_at: datetime


async def _nothing_more(_session: AsyncSession, _profile_id: str) -> frozenset[str]:
    return frozenset()


async def mint_shopper_session(
    session: AsyncSession,
    by: Caller,
    customer: str,
    *,
    profile: str | None = None,
    scopes: Iterable[str] | None = None,
    lives: timedelta = LIVES,
    shown: Shown = _nothing_more,
    now: Now = system_now,
) -> MintedSession:
    """A session for one customer: their id, number or external id in the shop, of at most 64 safe characters
    (the tools look it up; the hub knows no customers). `profile` is a customer-facing one by slug or id; it may be
    left out where there is one only. `scopes` narrow what the session may do, None gives all that shoppers can have;
    `shown` tells what that is beside SHOPPER_SCOPES, of what the profile shows of servers that are not bundled.

    Needs a key with the scope manage:api_keys, or an admin. Raises ForbiddenScope, InvalidArgument, NotFound,
    StateConflict (the profile is not customer-facing)."""
    await _require_minter(session, by)
    if not _CUSTOMER.fullmatch(customer):
        raise InvalidArgument(
            f"'{customer[:64]}' cannot be a customer's id.",
            hint="Give the shop's own id or number of the customer: at most 64 letters, digits and . _ : / -",
            field="customer",
        )
    if not AT_LEAST <= lives <= AT_MOST:
        raise InvalidArgument(
            f"A shopper session lives for 1 to 60 minutes, not for {lives.total_seconds() / 60:g}.",
            hint="Mint another one when it is over.",
            field="minutes",
        )
    facing = await _customer_facing(session, profile)
    possible = SHOPPER_SCOPES | await shown(session, facing.id)
    granted = _checked_scopes(None if scopes is None else frozenset(scopes), possible)
    token = new_token("tpss")
    moment = now()
    row = ShopperSession(
        id=new_id("shs"),
        prefix=token[5:13],
        digest=digest_of(token),
        profile_id=facing.id,
        customer=customer,
        scopes=granted,
        minted_by=f"{by.principal.kind}:{by.principal.id}",
        expires_at=moment + lives,
    )
    await session.execute(
        delete(ShopperSession)
        .where(ShopperSession.expires_at < moment - KEPT_FOR)
        .execution_options(synchronize_session=False)
    )
    session.add(row)
    await session.flush()
    details = {"prefix": row.prefix, "profile": facing.slug, "customer": customer}
    note(session, by, "shopper_session:minted", row.id, details)
    return MintedSession(row.id, row.prefix, token, customer, facing.slug, tuple(granted), row.expires_at)


async def revoke_shopper_session(session: AsyncSession, by: Caller, name: str, now: Now = system_now) -> ShopperSession:
    """End a session now, by its id or its eight public characters. Ending it twice is the same as once. Needs what
    minting needs. Raises ForbiddenScope, NotFound."""
    await _require_minter(session, by)
    named = (ShopperSession.id == name) | (ShopperSession.prefix == name)
    row: ShopperSession | None = await session.scalar(select(ShopperSession).where(named))
    if row is None:
        raise NotFound(
            f"There is no shopper session '{name[:60]}'.", hint="Name it by its id or its eight public characters."
        )
    if row.revoked_at is None:
        row.revoked_at = now()
        await record_change(session, by, "shopper_session:revoked", row.id, {"prefix": row.prefix})
    return row


async def list_shopper_sessions(
    session: AsyncSession,
    by: Caller,
    *,
    customer: str | None = None,
    ended: bool = False,
    limit: int = MOST_LISTED,
    now: Now = system_now,
) -> list[ShopperSession]:
    """The sessions that can be used now, with `ended` also those that cannot; the newest first, at most `limit`. Needs
    what minting needs."""
    await _require_minter(session, by)
    statement = select(ShopperSession)
    if customer is not None:
        statement = statement.where(ShopperSession.customer == customer)
    if not ended:
        statement = statement.where(ShopperSession.expires_at > now(), ShopperSession.revoked_at.is_(None))
    newest = statement.order_by(ShopperSession.expires_at.desc(), ShopperSession.id.desc())
    return list(await session.scalars(newest.limit(limit)))


async def _require_minter(session: AsyncSession, by: Caller) -> None:
    if by.agent_id is None and by.has_scope(MINTING_SCOPE):
        return
    if by.principal.kind != "api_key" or not by.scopes:
        await require_role(session, by, "admin")
    else:
        raise ForbiddenScope(
            f"This needs the scope {MINTING_SCOPE}.",
            hint="Use a key that an admin made for the shop's backend with this scope.",
            details={"scope": MINTING_SCOPE},
        )


def _checked_scopes(scopes: frozenset[str] | None, possible: frozenset[str]) -> list[str]:
    wanted = possible if scopes is None else scopes
    beyond = sorted(wanted - possible)
    if beyond or not wanted:
        raise InvalidArgument(
            f"A shopper cannot have the scope {beyond[0][:60]}." if beyond else "A shopper needs at least one scope.",
            hint=f"Shoppers can have: {', '.join(sorted(possible))}.",
            field="scopes",
        )
    return sorted(wanted)


async def _customer_facing(session: AsyncSession, profile: str | None) -> Profile:
    if profile is not None:
        found = await find_profile(session, profile)
        if found.posture != "customer":
            raise StateConflict(
                f"The profile {found.slug} is not customer-facing: its posture is {found.posture}.",
                hint="Make a profile with the posture customer, and assign it what shoppers may see.",
                field="profile",
            )
        return found
    facing = list(await session.scalars(select(Profile).where(Profile.posture == "customer").order_by(Profile.slug)))
    if len(facing) != 1:
        named = ", ".join(row.slug for row in facing)
        raise InvalidArgument(
            f"Which profile? There are {len(facing)} with the posture customer.",
            hint=f"Name one of them: {named}."
            if facing
            else "Make one: `tradepost profile create SLUG --posture customer`.",
            field="profile",
        )
    return facing[0]
