"""Links in mails: for one person, one action and one round, once, until the approval expires. Opening one shows and
changes nothing; it counts when its form is sent."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import NotFound
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import User, Workspace
from tradepost.hub.actions.models import Action
from tradepost.hub.notices.models import ApprovalLink

FOLDER = "/approvals/"
BY_LINK = f"{FOLDER}by-link/"


@dataclass(frozen=True, slots=True)
class OpenLink:
    """Whose link it is, and to what."""

    id: str
    workspace_id: str
    action_id: str
    round: int
    user_id: str
    email: str


def new_link(session: AsyncSession, action: Action, user_id: str, expires_at: datetime) -> str:
    """A new link in the caller's transaction. Returns its path, the only time it exists."""
    token = secrets.token_urlsafe(32)
    session.add(
        ApprovalLink(
            id=new_id("lnk"),
            action_id=action.id,
            round=action.round,
            user_id=user_id,
            digest=_digest(token),
            expires_at=expires_at,
        )
    )
    return BY_LINK + token


async def open_link(database: Database, token: str, now: Now = system_now) -> OpenLink:
    """What a link is for; changes nothing. Raises NotFound, the same for unknown, used and expired ones, and for those
    of people who are not active any more."""
    wanted = (
        select(ApprovalLink, User.email)
        .join(User, and_(User.workspace_id == ApprovalLink.workspace_id, User.id == ApprovalLink.user_id))
        .join(Workspace, and_(Workspace.workspace_id == User.workspace_id, Workspace.id == User.workspace_id))
        .where(
            ApprovalLink.digest == _digest(token),
            ApprovalLink.used_at.is_(None),
            ApprovalLink.expires_at > now(),
            User.status == "active",
            Workspace.status == "active",
        )
    )
    async with database.system(write=False) as session:
        row = (await session.execute(wanted)).one_or_none()
    if row is None:
        raise gone()
    link, email = row
    return OpenLink(link.id, link.workspace_id, link.action_id, link.round, link.user_id, email)


async def use_link(database: Database, link: OpenLink, now: Now = system_now) -> None:
    """Use a link up: of two who do so at the same moment one does. Raises NotFound."""
    moment = now()
    async with database.transaction(link.workspace_id, write=True) as session:
        used = await session.scalar(
            update(ApprovalLink)
            .where(ApprovalLink.id == link.id, ApprovalLink.used_at.is_(None))
            .values(used_at=moment)
            .returning(ApprovalLink.id)
            .execution_options(synchronize_session=False)
        )
        if used is None:
            raise gone()


def gone() -> NotFound:
    """What everybody hears whose link does not do."""
    return NotFound(
        "This link is not valid: it was used, is too old, or never was one.",
        hint="Sign in and open the approval there, or answer it with `tradepost approvals`.",
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
