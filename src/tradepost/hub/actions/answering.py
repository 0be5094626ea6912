"""How a person answers: by which way, to what exactly, and how sure it is that it is them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, StateConflict
from tradepost.hub.access.attempts import CODE, Attempts
from tradepost.hub.access.models import User
from tradepost.hub.access.person_models import PersonSession
from tradepost.hub.actions.models import Action

Way = Literal["console", "rest", "page", "link", "confirmed"]


@dataclass(frozen=True, slots=True)
class How:
    """`code` is one of the person's authenticator. `proven`: they have proved a moment ago that it is them. `round`
    and `fingerprint` are those of what they saw: the answer counts for nothing else."""

    way: Way = "console"
    code: str | None = field(default=None, repr=False)
    proven: bool = False
    round: int | None = None
    fingerprint: str | None = None


class Codes(Protocol):
    """Who knows the second factors; SecondFactors satisfies it."""

    async def has(self, session: AsyncSession, user_id: str) -> bool: ...

    async def accepts(self, session: AsyncSession, user_id: str, code: str) -> bool: ...


class Freshness:
    """Whether somebody who approves a write that moves money has just proved who they are: by a code, or by signing in
    within `minutes`. Asked of people who have a second factor and answer with a key; 0 minutes asks nobody."""

    def __init__(self, database: Database, codes: Codes, minutes: int, now: Now = system_now) -> None:
        self._database = database
        self._codes = codes
        self._within = timedelta(minutes=minutes)
        self._now = now
        self._attempts = Attempts(database, now)

    async def proven(self, workspace_id: str, user_id: str, code: str) -> bool:
        """Whether it is a code of theirs, which it uses up. Raises InvalidArgument, RateLimited."""
        await self._attempts.count(CODE, "second factor", user_id)
        async with self._database.transaction(workspace_id, write=True) as session:
            if not await self._codes.accepts(session, user_id, code):
                raise InvalidArgument("That is not the code that the app shows now.", field="code")
        return True

    async def require(self, session: AsyncSession, user: User) -> None:
        """Raises ForbiddenScope where it has to be proved first."""
        if not self._within or not await self._codes.has(session, user.id):
            return
        recent = select(PersonSession.id).where(
            PersonSession.user_id == user.id,
            PersonSession.second_factor.is_(True),
            PersonSession.ended_at.is_(None),
            PersonSession.signed_in_at > self._now() - self._within,
        )
        if (await session.scalars(recent)).first() is None:
            raise ForbiddenScope(
                "Money would move: it has to be sure that it is you who approves it.",
                hint="Send a code of your authenticator with it, or sign in to the hub's pages and answer at once.",
                details={"step_up": "code"},
            )


def check_what_was_seen(action: Action, how: How) -> None:
    """Raises StateConflict when the action is not any more what the person saw."""
    if how.round not in (None, action.round) or how.fingerprint not in (None, action.fingerprint):
        raise StateConflict(
            "This is not what you were shown: the action was asked about again since, or is another one.",
            hint="Look at it again, then answer.",
            details={"round": action.round, "fingerprint": action.fingerprint},
        )
