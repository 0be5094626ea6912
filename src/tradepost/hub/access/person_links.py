"""One-time links for people: invitations, and welcomes with which a user sets a password (the first owner, a reset).

A link has 256 random bits and only its hash is kept. Looking at it changes nothing; it is used up once, ends after
three days, and can be taken back. The audit tells of its making and of its use.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Role, User, Workspace
from tradepost.hub.access.people import (
    check_may_touch,
    check_role,
    checked_email,
    checked_name,
    create_user,
    find_user,
)
from tradepost.hub.access.person_models import LinkedIdentity, PersonLink
from tradepost.hub.access.person_sessions import end_sessions_of
from tradepost.hub.access.roles import caller_for_user, require_role, system_caller

LIFE = timedelta(hours=72)
PATHS = {"invitation": "/invitation/", "welcome": "/welcome/"}


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that was just made: the only time its `path` is known."""

    id: str
    path: str
    email: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A link that can be used, and whose it is."""

    id: str
    workspace_id: str
    workspace: str
    email: str
    name: str
    role: str


async def invite(
    session: AsyncSession, by: Caller, email: str, role: Role, name: str = "", now: Now = system_now
) -> NewLink:
    """Invite somebody who is no user yet; an open invitation of the address ends. Only an owner invites an owner."""
    actor = await require_role(session, by, "admin")
    check_role(role, actor)
    address = checked_email(email)
    if await session.scalar(select(User.id).where(User.email == address)) is not None:
        raise StateConflict(
            f"{address} is a user already.", hint=f"For a new password: `tradepost user link {address}`."
        )
    await session.execute(
        update(PersonLink)
        .where(PersonLink.kind == "invitation", PersonLink.email == address, *_open(now()))
        .values(revoked_at=now())
        .execution_options(synchronize_session=False)
    )
    row, token = _new("invitation", address, checked_name(name), by, now, role=role)
    session.add(row)
    await record_change(session, by, "invitation:made", row.id, {"email": address, "role": role})
    return NewLink(row.id, PATHS["invitation"] + token, address, row.expires_at)


async def link_for(session: AsyncSession, by: Caller, email: str, now: Now = system_now) -> NewLink:
    """A link with which a user sets a new password; the one before ends. Only an owner makes one for an owner."""
    actor = await require_role(session, by, "admin")
    user = await find_user(session, email)
    check_may_touch(user, actor)
    if user.status != "active":
        raise StateConflict(f"{user.email} is disabled.", hint=f"First `tradepost user enable {user.email}`.")
    await _end_links_of(session, user, now)
    row, token = _new("welcome", user.email, user.name, by, now, user_id=user.id)
    session.add(row)
    await record_change(session, by, "welcome:made", user.id)
    return NewLink(row.id, PATHS["welcome"] + token, user.email, row.expires_at)


async def list_invitations(session: AsyncSession, now: Now = system_now) -> list[PersonLink]:
    """The invitations that can still be accepted, the latest first."""
    return list(await session.scalars(open_invitations(now()).order_by(PersonLink.created_at.desc())))


def open_invitations(moment: datetime) -> Select[PersonLink]:
    """The invitations that can be accepted at a moment."""
    return select(PersonLink).where(PersonLink.kind == "invitation", *_open(moment))


async def find_invitation(session: AsyncSession, who: str, now: Now = system_now) -> PersonLink:
    """An open invitation by its id or its e-mail address. Raises NotFound."""
    wanted = (PersonLink.id == who) | (PersonLink.email == who.strip().lower())
    row = await session.scalar(open_invitations(now()).where(wanted))
    if row is None:
        raise NotFound("There is no open invitation of that name.", hint="Run `tradepost user invitations`.")
    return row


async def revoke_invitation(session: AsyncSession, by: Caller, who: str, now: Now = system_now) -> PersonLink:
    """Take an open invitation back, by its id or its e-mail address. Raises NotFound."""
    await require_role(session, by, "admin")
    row = await find_invitation(session, who, now)
    row.revoked_at = now()
    await record_change(session, by, "invitation:revoked", row.id, {"email": row.email})
    return row


async def open_link(database: Database, kind: str, token: str, now: Now = system_now) -> OpenLink:
    """Whose link this is; changes nothing. Raises NotFound, the same for unknown, used, expired and revoked ones."""
    async with database.system(write=False) as session:
        found = await session.execute(
            select(PersonLink, Workspace.name, User)
            .join(Workspace, and_(Workspace.workspace_id == PersonLink.workspace_id, Workspace.status == "active"))
            .outerjoin(User, and_(User.workspace_id == PersonLink.workspace_id, User.id == PersonLink.user_id))
            .where(PersonLink.digest == _digest(token), PersonLink.kind == kind, *_open(now()))
        )
        row = found.one_or_none()
    if row is None:
        raise _gone()
    link, workspace = row[0], row[1]
    user: User | None = row[2]
    if user is not None and user.status != "active":
        raise _gone()
    role = link.role if user is None else user.role
    return OpenLink(link.id, link.workspace_id, workspace, link.email, link.name, str(role))


async def accept_invitation(
    session: AsyncSession, link_id: str, name: str, password_hash: str | None, now: Now = system_now
) -> User:
    """Use an invitation up and make its user. Raises NotFound when it is not open any more, or whoever made it may not
    give that role any more."""
    link = await _used(session, link_id, now)
    by = await _maker(session, link)
    user = await create_user(session, by, link.email, checked_name(name) or link.name, link.role)  # type: ignore[arg-type]
    user.password_hash = password_hash
    await record_change(session, caller_for_user(user, by.request_id), "invitation:accepted", link.id)
    return user


async def accept_welcome(session: AsyncSession, link_id: str, password_hash: str, now: Now = system_now) -> User:
    """Use a welcome up and give its user the password; their other sessions end. Raises NotFound, and like `link_for`
    where whoever made it could not make it now: the user may have become an owner since."""
    link = await _used(session, link_id, now)
    user = await session.scalar(select(User).where(User.id == link.user_id, User.status == "active"))
    if user is None:
        raise _gone()
    check_may_touch(user, await require_role(session, await _maker(session, link), "admin"))
    await set_password_hash(session, user, password_hash, now)
    return user


async def set_password_hash(session: AsyncSession, user: User, password_hash: str, now: Now = system_now) -> None:
    """Give a user another password: all sessions and open links of theirs end. Who may do so was asked before."""
    user.password_hash = password_hash
    await end_sessions_of(session, user.id, now=now)
    await _end_links_of(session, user, now)
    await record_change(session, caller_for_user(user, new_id("req")), "user:password", user.id)


async def open_invitations_of(database: Database, email: str, now: Now = system_now) -> list[OpenLink]:
    """The invitations of an e-mail address in all workspaces, for somebody who has proved that it is theirs."""
    async with database.system(write=False) as session:
        rows = await session.execute(
            select(PersonLink, Workspace.name)
            .join(Workspace, and_(Workspace.workspace_id == PersonLink.workspace_id, Workspace.status == "active"))
            .where(PersonLink.kind == "invitation", PersonLink.email == email, *_open(now()))
        )
        return [
            OpenLink(link.id, link.workspace_id, name, link.email, link.name, str(link.role)) for link, name in rows
        ]


async def first_links(database: Database, now: Now = system_now) -> list[tuple[str, NewLink]]:
    """A welcome for the first owner of each workspace whose owners cannot sign in: no password, no identity elsewhere.
    With the workspace's slug."""
    made = []
    async with database.system(write=False) as session:
        workspaces = list(await session.scalars(select(Workspace).where(Workspace.status == "active")))
    for workspace in sorted(workspaces, key=lambda one: one.slug):
        async with database.transaction(workspace.id, write=True) as session:
            owners = select(User).where(User.role == "owner", User.status == "active").order_by(User.created_at)
            found = list(await session.scalars(owners))
            linked = set(await session.scalars(select(LinkedIdentity.user_id)))
            if found and not any(owner.password_hash or owner.id in linked for owner in found):
                by = system_caller(workspace.id, new_id("req"))
                made.append((workspace.slug, await link_for(session, by, found[0].email, now)))
    return made


def _new(
    kind: str, email: str, name: str, by: Caller, now: Now, role: str | None = None, user_id: str | None = None
) -> tuple[PersonLink, str]:
    token = secrets.token_urlsafe(32)
    row = PersonLink(
        id=new_id("lnk"),
        kind=kind,
        digest=_digest(token),
        email=email,
        name=name,
        role=role,
        user_id=user_id,
        made_by=by.user_id or by.principal.id,
        expires_at=now() + LIFE,
    )
    return row, token


async def _maker(session: AsyncSession, link: PersonLink) -> Caller:
    """Who made a link, as they are now: a person, or the machine's operator."""
    maker = await session.scalar(select(User).where(User.id == link.made_by))
    request_id = new_id("req")
    return caller_for_user(maker, request_id) if maker is not None else system_caller(link.workspace_id, request_id)


async def _used(session: AsyncSession, link_id: str, now: Now) -> PersonLink:
    """Use a link up: of two who do so at the same moment one does."""
    moment = now()
    used = await session.scalar(
        update(PersonLink)
        .where(PersonLink.id == link_id, *_open(moment))
        .values(used_at=moment)
        .returning(PersonLink.id)
        .execution_options(synchronize_session=False)
    )
    if used is None:
        raise _gone()
    return (await session.scalars(select(PersonLink).where(PersonLink.id == link_id))).one()


async def _end_links_of(session: AsyncSession, user: User, now: Now) -> None:
    moment = now()
    await session.execute(
        update(PersonLink)
        .where(PersonLink.user_id == user.id, *_open(moment))
        .values(revoked_at=moment)
        .execution_options(synchronize_session=False)
    )


def _open(moment: datetime) -> tuple[ColumnElement[bool], ...]:
    return (PersonLink.used_at.is_(None), PersonLink.revoked_at.is_(None), PersonLink.expires_at > moment)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _gone() -> NotFound:
    return NotFound(
        "This link is not valid: it was used, taken back, or is too old.",
        hint="Ask an admin of your workspace for a new one.",
    )
