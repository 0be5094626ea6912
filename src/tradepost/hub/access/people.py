"""The people of a workspace: an owner from the first start, others with a role, passwords as argon2id hashes."""

import re
import unicodedata
from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Role, User
from tradepost.hub.access.passwords import fits, hash_password
from tradepost.hub.access.person_sessions import end_sessions_of
from tradepost.hub.access.roles import at_least, require_role

ROLES: tuple[Role, ...] = ("owner", "admin", "operator", "viewer")
MAX_NAME = 200
MAX_ATTRIBUTES = 20
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}")
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9 _.:/-]{0,98}[A-Za-z0-9])?")


async def create_user(
    session: AsyncSession, by: Caller, email: str, name: str, role: Role, password: str | None = None
) -> User:
    """A new person. Only an owner makes owners; an e-mail address stands once in a workspace."""
    actor = await require_role(session, by, "admin")
    check_role(role, actor)
    address = checked_email(email)
    if await session.scalar(select(User.id).where(User.email == address)) is not None:
        raise StateConflict(f"There is already a user {address}.", hint="Change that user's role instead.")
    user = User(
        id=new_id("usr"),
        email=address,
        name=checked_name(name) or address,
        role=role,
        password_hash=hash_password(password) if password is not None else None,
    )
    session.add(user)
    await record_change(session, by, "user:created", user.id, {"role": role})
    return user


async def set_role(session: AsyncSession, by: Caller, email: str, role: Role) -> User:
    """Give a person another role. A workspace keeps at least one owner."""
    actor = await require_role(session, by, "admin")
    check_role(role, actor)
    user = await find_user(session, email)
    check_may_touch(user, actor)
    if role != "owner":
        await _check_owner_stays(session, user)
    before, user.role = user.role, role
    await record_change(session, by, "user:role", user.id, {"before": before, "after": role})
    return user


async def disable_user(session: AsyncSession, by: Caller, email: str) -> User:
    """Shut a person out; their keys stop working on the next call, their browsers are signed out."""
    actor = await require_role(session, by, "admin")
    user = await find_user(session, email)
    check_may_touch(user, actor)
    await _check_owner_stays(session, user)
    user.status = "disabled"
    await end_sessions_of(session, user.id)
    await record_change(session, by, "user:disabled", user.id)
    return user


async def enable_user(session: AsyncSession, by: Caller, email: str) -> User:
    """Let a person in again. Sessions that ended with the disabling stay ended."""
    actor = await require_role(session, by, "admin")
    user = await find_user(session, email)
    check_may_touch(user, actor)
    user.status = "active"
    await record_change(session, by, "user:active", user.id)
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


async def set_attributes(session: AsyncSession, by: Caller, email: str, attributes: Mapping[str, str]) -> User:
    """Set what binds the tools of whoever acts for this person, for example region=EU. An empty value takes an
    attribute away; those not named stay."""
    actor = await require_role(session, by, "admin")
    user = await find_user(session, email)
    check_may_touch(user, actor)
    for name, value in attributes.items():
        if not _ATTRIBUTE.fullmatch(name) or (value and not _VALUE.fullmatch(value)):
            raise InvalidArgument(
                f"'{name[:40]}={value[:60]}' is no attribute.",
                field="attributes",
                hint="A name in lower case, a value of letters, digits, spaces and _ . : / -, for example region=EU.",
            )
    merged = {name: value for name, value in {**user.attributes, **attributes}.items() if value}
    if len(merged) > MAX_ATTRIBUTES:
        raise InvalidArgument(f"A person has at most {MAX_ATTRIBUTES} attributes.", field="attributes")
    before, user.attributes = user.attributes, dict(sorted(merged.items()))
    await record_change(session, by, "user:attributes", user.id, {"before": before, "after": user.attributes})
    return user


def password_fits(user: User, password: str) -> bool:
    """Whether this is the user's password; False for a user without one."""
    return user.password_hash is not None and fits(user.password_hash, password)


def checked_email(email: str) -> str:
    """The address in its one spelling: one that stands for another (wide letters, a dot at the end) would make two
    people of one. Raises InvalidArgument."""
    address = email.strip().lower()
    is_plain = address.isprintable() and unicodedata.normalize("NFKC", address) == address
    if not _EMAIL.fullmatch(address) or not is_plain or address.endswith("."):
        raise InvalidArgument("That is no e-mail address.", field="email", hint="Write it like a@b.test.")
    return address


def checked_name(name: str) -> str:
    """A person's name, possibly empty. Raises InvalidArgument for one that is too long or has invisible characters."""
    plain = unicodedata.normalize("NFC", name.strip())
    if len(plain) > MAX_NAME or not plain.isprintable():
        raise InvalidArgument(
            f"A name has at most {MAX_NAME} characters, and none that cannot be seen.", field="name", hint="Shorten it."
        )
    return plain


def check_role(role: str, actor: User | None) -> None:
    """Raises InvalidArgument for no role, and for an owner made by anybody but an owner."""
    if role not in ROLES:
        raise InvalidArgument(f"'{role[:40]}' is no role.", field="role", hint=f"Use one of {', '.join(ROLES)}.")
    if role == "owner" and actor is not None and not at_least(actor.role, "owner"):
        raise InvalidArgument("Only an owner can make somebody an owner.", field="role")


def check_may_touch(user: User, actor: User | None) -> None:
    """Raises StateConflict when a person changes somebody above them: only owners change owners."""
    if user.role == "owner" and actor is not None and actor.role != "owner":
        raise StateConflict("Only an owner can change an owner.", hint="Ask an owner of the workspace.")


async def _check_owner_stays(session: AsyncSession, user: User) -> None:
    owners = select(func.count()).select_from(User).where(User.role == "owner", User.status == "active")
    if user.role == "owner" and user.status == "active" and (await session.scalar(owners) or 0) <= 1:
        raise StateConflict("The workspace would have no owner.", hint="Make somebody else an owner first.")
