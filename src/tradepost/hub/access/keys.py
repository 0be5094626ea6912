"""Bearer keys: `tp_` + 8 public characters + `_` + 256 random bits + a checksum. Shown once, kept as a hash only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Agent, ApiKey, User
from tradepost.hub.access.roles import require_role
from tradepost.hub.access.tokens import digest_of, new_token, prefix_of


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


async def mint(
    session: AsyncSession,
    by: Caller,
    *,
    agent_id: str | None = None,
    user_id: str | None = None,
    label: str = "",
    scopes: frozenset[str] | None = None,
    expires_at: datetime | None = None,
    now: Now = system_now,
) -> MintedKey:
    """A key of an agent or of a user (one of them). `scopes` narrow what the agent may do, None leaves it whole."""
    await require_role(session, by, "admin")
    if (agent_id is None) == (user_id is None):
        raise InvalidArgument("A key belongs to an agent or to a user.", hint="Name exactly one of them.")
    if expires_at is not None and expires_at <= now():
        raise InvalidArgument("The key would be expired already.", field="expires_at", hint="Give a time to come.")
    holder: type[Agent] | type[User] = Agent if agent_id is not None else User
    if await session.scalar(select(holder.id).where(holder.id == (agent_id or user_id))) is None:
        raise NotFound("There is no such agent or user in this workspace.", hint="List them to see their names.")
    secret = new_token("tp")
    row = ApiKey(
        id=new_id("key"),
        kind="agent_key" if agent_id is not None else "api_key",
        prefix=secret[3:11],
        digest=digest_of(secret),
        label=label,
        agent_id=agent_id,
        user_id=user_id,
        scopes=sorted(scopes) if scopes is not None else None,
        created_by=by.user_id or by.principal.id,
        expires_at=expires_at,
    )
    session.add(row)
    await record_change(session, by, "key:minted", row.id, {"prefix": row.prefix, "agent": agent_id, "user": user_id})
    return MintedKey(row.id, row.prefix, secret, expires_at)


async def rotate(
    session: AsyncSession, by: Caller, key: str, *, grace: timedelta = timedelta(0), now: Now = system_now
) -> MintedKey:
    """A new key with the rights of an old one, which still works for `grace` and then never again."""
    old = await find_key(session, key)
    if old.revoked_at is not None:
        raise StateConflict("The key is revoked and cannot be rotated.", hint="Mint a new key.")
    minted = await mint(
        session,
        by,
        agent_id=old.agent_id,
        user_id=old.user_id,
        label=old.label,
        scopes=None if old.scopes is None else frozenset(old.scopes),
    )
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
