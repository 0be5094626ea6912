"""The people of a workspace: an owner from the first start, others with a role, passwords as argon2id hashes."""

import re

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Role, User
from tradepost.hub.access.roles import at_least, require_role

ROLES: tuple[Role, ...] = ("owner", "admin", "operator", "viewer")
MIN_PASSWORD = 12
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}")
_hasher = PasswordHasher()


async def create_user(
    session: AsyncSession, by: Caller, email: str, name: str, role: Role, password: str | None = None
) -> User:
    """A new person. Only an owner makes owners; an e-mail address stands once in a workspace."""
    actor = await require_role(session, by, "admin")
    _check_role(role, actor)
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address):
        raise InvalidArgument(f"'{email[:60]}' is no e-mail address.", field="email", hint="Write it like a@b.test.")
    if await session.scalar(select(User.id).where(User.email == address)) is not None:
        raise StateConflict(f"There is already a user {address}.", hint="Change that user's role instead.")
    user = User(
        id=new_id("usr"), email=address, name=name.strip() or address, role=role, password_hash=_hashed(password)
    )
    session.add(user)
    await record_change(session, by, "user:created", user.id, {"role": role})
    return user


async def set_role(session: AsyncSession, by: Caller, email: str, role: Role) -> User:
    """Give a person another role. A workspace keeps at least one owner."""
    actor = await require_role(session, by, "admin")
    _check_role(role, actor)
    user = await find_user(session, email)
    await _check_may_touch(session, user, actor, stays_owner=role == "owner")
    before, user.role = user.role, role
    await record_change(session, by, "user:role", user.id, {"before": before, "after": role})
    return user


async def disable_user(session: AsyncSession, by: Caller, email: str) -> User:
    """Shut a person out; their keys stop working on the next call."""
    actor = await require_role(session, by, "admin")
    user = await find_user(session, email)
    await _check_may_touch(session, user, actor, stays_owner=False)
    user.status = "disabled"
    await record_change(session, by, "user:disabled", user.id)
    return user


async def find_user(session: AsyncSession, who: str) -> User:
    """A person by e-mail address or id. Raises NotFound."""
    user = await session.scalar(select(User).where((User.email == who.strip().lower()) | (User.id == who)))
    if user is None:
        raise NotFound(f"There is no user '{who[:60]}' in this workspace.", hint="List the users to see who there is.")
    return user


async def list_users(session: AsyncSession) -> list[User]:
    """Everybody in the workspace, by e-mail address."""
    return list(await session.scalars(select(User).order_by(User.email)))


def password_fits(user: User, password: str) -> bool:
    """Whether this is the user's password; False for a user without one."""
    try:
        return user.password_hash is not None and _hasher.verify(user.password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _hashed(password: str | None) -> str | None:
    if password is None:
        return None
    if len(password) < MIN_PASSWORD:
        raise InvalidArgument(f"The password is shorter than {MIN_PASSWORD} characters.", field="password")
    return _hasher.hash(password)


def _check_role(role: str, actor: User | None) -> None:
    if role not in ROLES:
        raise InvalidArgument(f"'{role[:40]}' is no role.", field="role", hint=f"Use one of {', '.join(ROLES)}.")
    if role == "owner" and actor is not None and not at_least(actor.role, "owner"):
        raise InvalidArgument("Only an owner can make somebody an owner.", field="role")


async def _check_may_touch(session: AsyncSession, user: User, actor: User | None, *, stays_owner: bool) -> None:
    if user.role != "owner" or stays_owner:
        return
    if actor is not None and actor.role != "owner":
        raise StateConflict("Only an owner can change an owner.")
    owners = select(func.count()).select_from(User).where(User.role == "owner", User.status == "active")
    if user.status == "active" and (await session.scalar(owners) or 0) <= 1:
        raise StateConflict("The workspace would have no owner.", hint="Make somebody else an owner first.")
