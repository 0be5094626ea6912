"""Bearer keys: `tp_` + 8 public characters + `_` + 256 random bits + a checksum. Shown once, kept as a hash only.

The prefix finds the row and may be shown in lists and logs; the checksum lets a typing error or a cut key be seen
without asking the database, and lets secret scanners recognise a leaked one.
"""

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Agent, ApiKey, User
from tradepost.hub.access.roles import at_least, require_role

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_KEY = re.compile(r"tp_(?P<prefix>[a-z2-7]{8})_[A-Za-z0-9_-]{43}(?P<checksum>[a-z2-7]{7})")


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key. `secret` is the whole text; this is the only time it exists."""

    id: str
    prefix: str
    secret: str
    expires_at: datetime | None


def parse_key(text: str) -> str | None:
    """The prefix of a well-formed key with a right checksum, None for anything else."""
    found = _KEY.fullmatch(text)
    if found is None or found["checksum"] != _checksum(text[: -len(found["checksum"])]):
        return None
    return found["prefix"]


def digest_of(text: str) -> str:
    """What is kept of a key. It has 256 random bits, so a plain hash cannot be searched."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


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
    """A key of an agent or of a user (one of them). `scopes` narrow what the agent or person may do,
    None leaves it whole. Nobody makes a key for somebody whose role is above their own."""
    actor = await require_role(session, by, "admin")
    if (agent_id is None) == (user_id is None):
        raise InvalidArgument("A key belongs to an agent or to a user.", hint="Name exactly one of them.")
    if expires_at is not None and expires_at <= now():
        raise InvalidArgument("The key would be expired already.", field="expires_at", hint="Give a time to come.")
    holder: type[Agent] | type[User] = Agent if agent_id is not None else User
    if await session.scalar(select(holder.id).where(holder.id == (agent_id or user_id))) is None:
        raise NotFound("There is no such agent or user in this workspace.", hint="List them to see their names.")
    if user_id is not None and scopes is not None and not scopes:
        raise InvalidArgument("A person's key without any scope could do nothing.", field="scopes", hint="Name some.")
    if user_id is not None and actor is not None:
        await _check_rank(session, actor, user_id)
    secret = _new_secret()
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


async def _check_rank(session: AsyncSession, actor: User, user_id: str) -> None:
    """A person's key acts with the person's role: nobody makes one for somebody above them. Raises ForbiddenScope."""
    role = await session.scalar(select(User.role).where(User.id == user_id))
    if role is not None and not at_least(actor.role, role):  # type: ignore[arg-type]
        raise ForbiddenScope(
            f"Whoever has the role {actor.role} cannot make a key for somebody with the role {role}.",
            hint="Let an owner of the workspace make it.",
        )


def _new_secret() -> str:
    prefix = "".join(secrets.choice(_BASE32) for _ in range(8))
    body = f"tp_{prefix}_{secrets.token_urlsafe(32)}"
    return body + _checksum(body)


def _checksum(text: str) -> str:
    value, digits = zlib.crc32(text.encode()), []
    for _ in range(7):
        value, digit = divmod(value, 32)
        digits.append(_BASE32[digit])
    return "".join(digits)
