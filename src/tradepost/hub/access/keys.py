"""Bearer keys: `tp_` + 8 public characters + `_` + 256 random bits + a checksum. Shown once, kept as a hash only."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.addresses import checked_networks
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Agent, ApiKey, Profile, User
from tradepost.hub.access.roles import at_least, require_role
from tradepost.hub.access.scopes import checked_scopes
from tradepost.hub.access.tokens import digest_of, new_token, prefix_of

MOST_GRACE = timedelta(days=30)
_CUSTOMER = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key. `secret` is the whole text; this is the only time it exists."""

    id: str
    prefix: str
    secret: str
    expires_at: datetime | None


def parse_key(text: str) -> str | None:
    """The prefix of a well-formed key with a right checksum, None for anything else."""
    return prefix_of("tp", text)


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a key is good for, beside whose it is.

    `scopes` narrow what its holder may do, None leaves that whole. `profile_id` (keys of users) is the profile whose
    shared tools it sees, `customer` the one customer it is bound to. `allowed_addresses` are addresses or networks it
    may be used from ("192.0.2.7", "10.1.0.0/16"), None is any.
    """

    label: str = ""
    scopes: frozenset[str] | None = None
    expires_at: datetime | None = None
    allowed_addresses: tuple[str, ...] | None = None
    profile_id: str | None = None
    customer: str | None = None


NO_TERMS = KeyTerms()


async def mint(
    session: AsyncSession,
    by: Caller,
    terms: KeyTerms = NO_TERMS,
    *,
    agent_id: str | None = None,
    user_id: str | None = None,
    now: Now = system_now,
) -> MintedKey:
    """A key of an agent or of a user (one of them). Nobody makes a key for somebody whose role is above their own.
    Raises InvalidArgument, NotFound, ForbiddenScope."""
    actor = await require_role(session, by, "admin")
    if (agent_id is None) == (user_id is None):
        raise InvalidArgument("A key belongs to an agent or to a user.", hint="Name exactly one of them.")
    if terms.expires_at is not None and terms.expires_at <= now():
        raise InvalidArgument("The key would be expired already.", field="expires_at", hint="Give a time to come.")
    holder: type[Agent] | type[User] = Agent if agent_id is not None else User
    if await session.scalar(select(holder.id).where(holder.id == (agent_id or user_id))) is None:
        raise NotFound("There is no such agent or user in this workspace.", hint="List them to see their names.")
    if user_id is not None and actor is not None:
        await _check_rank(session, actor, user_id)
    if user_id is not None and terms.scopes is not None and not terms.scopes:
        raise InvalidArgument(
            "A person's key that is narrowed to nothing could do nothing.",
            field="scopes",
            hint="Name a scope, or leave the scopes out for all that the person's role may do.",
        )
    await _check_bound(session, terms, of_agent=agent_id is not None)
    secret = new_token("tp")
    row = ApiKey(
        id=new_id("key"),
        kind="agent_key" if agent_id is not None else "api_key",
        prefix=secret[3:11],
        digest=digest_of(secret),
        label=terms.label,
        agent_id=agent_id,
        user_id=user_id,
        profile_id=terms.profile_id,
        customer=terms.customer,
        scopes=checked_scopes(terms.scopes) if terms.scopes is not None else None,
        allowed_addresses=checked_networks(terms.allowed_addresses),
        created_by=by.user_id or by.principal.id,
        expires_at=terms.expires_at,
    )
    session.add(row)
    about = {"prefix": row.prefix, "agent": agent_id, "user": user_id, "profile": terms.profile_id}
    await record_change(session, by, "key:minted", row.id, {**about, "scopes": row.scopes})
    return MintedKey(row.id, row.prefix, secret, terms.expires_at)


async def _check_bound(session: AsyncSession, terms: KeyTerms, *, of_agent: bool) -> None:
    if terms.profile_id is not None:
        if of_agent:
            raise InvalidArgument("An agent has its profile already.", field="profile", hint="Leave the profile out.")
        if await session.scalar(select(Profile.id).where(Profile.id == terms.profile_id)) is None:
            raise NotFound("There is no such profile in this workspace.", hint="List the profiles to see their names.")
    if terms.customer is not None and not _CUSTOMER.fullmatch(terms.customer):
        raise InvalidArgument(
            "That is no customer's id.", field="customer", hint="Use the id that search_customers shows, cus_…"
        )


async def rotate(
    session: AsyncSession, by: Caller, key: str, *, grace: timedelta = timedelta(0), now: Now = system_now
) -> MintedKey:
    """A new key with the rights of an old one and as long a life, while the old one still works for `grace` and then
    never again."""
    await require_role(session, by, "admin")
    if grace < timedelta(0) or grace > MOST_GRACE:
        raise InvalidArgument(
            f"Both keys work side by side for at most {MOST_GRACE.days} days.",
            field="grace",
            hint="Give a shorter time.",
        )
    old = await find_key(session, key)
    if old.revoked_at is not None:
        raise StateConflict("The key is revoked and cannot be rotated.", hint="Mint a new key.")
    if old.expires_at is not None and old.expires_at <= now():
        raise StateConflict("The key has expired and cannot be rotated.", hint="Mint a new key.")
    terms = KeyTerms(
        label=old.label,
        scopes=None if old.scopes is None else frozenset(old.scopes),
        expires_at=_renewed(old, now()),
        allowed_addresses=None if old.allowed_addresses is None else tuple(old.allowed_addresses),
        profile_id=old.profile_id,
        customer=old.customer,
    )
    minted = await mint(session, by, terms, agent_id=old.agent_id, user_id=old.user_id, now=now)
    ends = now() + grace
    old.expires_at = ends if old.expires_at is None else min(old.expires_at, ends)
    if grace <= timedelta(0):
        old.revoked_at = now()
    await record_change(session, by, "key:rotated", old.id, {"replaced_by": minted.id})
    return minted


async def revoke(session: AsyncSession, by: Caller, key: str, now: Now = system_now) -> None:
    """End a key now. Ending it twice is the same as once."""
    await require_role(session, by, "admin")
    row = await find_key(session, key)
    if row.revoked_at is None:
        row.revoked_at = now()
        await record_change(session, by, "key:revoked", row.id, {"prefix": row.prefix})


async def find_key(session: AsyncSession, key: str) -> ApiKey:
    """A key's row by its id or its public prefix. Raises NotFound."""
    row = await session.scalar(select(ApiKey).where((ApiKey.id == key) | (ApiKey.prefix == key)))
    if row is None:
        raise NotFound(f"There is no key '{key[:60]}'.", hint="Name a key by its id or its eight public characters.")
    return row


async def list_keys(session: AsyncSession) -> list[ApiKey]:
    """All keys of the workspace, newest last."""
    return list(await session.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.id)))


def _renewed(old: ApiKey, now: datetime) -> datetime | None:
    return None if old.expires_at is None else now + (old.expires_at - old.created_at)


async def _check_rank(session: AsyncSession, actor: User, user_id: str) -> None:
    """A person's key acts with the person's role: nobody makes one for somebody above them. Raises ForbiddenScope."""
    role = await session.scalar(select(User.role).where(User.id == user_id))
    if role is not None and not at_least(actor.role, role):  # type: ignore[arg-type]
        raise ForbiddenScope(
            f"Whoever has the role {actor.role} cannot make a key for somebody with the role {role}.",
            hint="Let an owner of the workspace make it.",
        )
