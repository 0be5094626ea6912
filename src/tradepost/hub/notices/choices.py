"""How a person wants to hear of what waits for them. Everybody says it for themselves."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope
from tradepost.hub.access.changes import note
from tradepost.hub.access.models import User
from tradepost.hub.access.roles import require_role
from tradepost.hub.notices.models import NotificationChoice


async def wants_mail(session: AsyncSession, by: Caller) -> bool:
    """Whether the person gets mails. Raises ForbiddenScope for whoever is none."""
    user = await _person(session, by)
    return await session.scalar(select(NotificationChoice.mail).where(NotificationChoice.id == user.id)) is not False


async def want_mail(session: AsyncSession, by: Caller, wanted: bool) -> bool:
    """Say whether one wants mails. Raises ForbiddenScope."""
    user = await _person(session, by)
    row = await session.scalar(select(NotificationChoice).where(NotificationChoice.id == user.id))
    before = row.mail if row is not None else True
    if row is None:
        session.add(NotificationChoice(id=user.id, mail=wanted))
    else:
        row.mail = wanted
    if wanted != before:
        note(session, by, "notifications:mail", user.id, {"before": before, "after": wanted})
    return wanted


async def _person(session: AsyncSession, by: Caller) -> User:
    user = await require_role(session, by, "viewer")
    if user is None:
        raise ForbiddenScope("Each person says it for themselves.", hint="Say who you are: --as E-MAIL.")
    return user
