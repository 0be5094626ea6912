"""Sign-ins under way: what a browser has done so far is kept here for ten minutes, bound to that browser.

A step is named in a form or in the `state` of an identity provider, and found only together with the browser's own
cookie; the row has the hash of both. Whoever takes a step ends it, so it counts once.
"""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.ids import new_id
from tradepost.hub.access.person_models import BEFORE_SIGN_IN, SignInStep

LIFE = timedelta(minutes=10)
StepKind = Literal["workspace", "code", "provider"]


class SignInSteps:
    """Keeps steps."""

    def __init__(self, database: Database, now: Now = system_now) -> None:
        self._database = database
        self._now = now

    async def begin(self, visit: str, kind: StepKind, facts: Mapping[str, Any]) -> str:
        """Keep what is known so far for the browser with this cookie. Returns the step's name, 256 random bits."""
        name, now = secrets.token_urlsafe(32), self._now()
        async with self._database.transaction(BEFORE_SIGN_IN, write=True) as session:
            await session.execute(delete(SignInStep).where(SignInStep.expires_at <= now))
            session.add(
                SignInStep(
                    id=new_id("step"), kind=kind, digest=_digest(visit, name), facts=dict(facts), expires_at=now + LIFE
                )
            )
        return name

    async def look(self, visit: str, kind: StepKind, name: str) -> dict[str, Any] | None:
        """What a step knows; None where there is no such step of this browser. The step goes on."""
        async with self._database.transaction(BEFORE_SIGN_IN, write=False) as session:
            row = await self._found(session, visit, kind, name)
            return dict(row.facts) if row is not None else None

    async def take(self, visit: str, kind: StepKind, name: str) -> dict[str, Any] | None:
        """What a step knows, and its end: of two who take it one gets it."""
        async with self._database.transaction(BEFORE_SIGN_IN, write=True) as session:
            row = await self._found(session, visit, kind, name)
            if row is None:
                return None
            facts = dict(row.facts)
            taken = await session.scalar(delete(SignInStep).where(SignInStep.id == row.id).returning(SignInStep.id))
            return facts if taken is not None else None

    async def _found(self, session: AsyncSession, visit: str, kind: StepKind, name: str) -> SignInStep | None:
        found: SignInStep | None = await session.scalar(
            select(SignInStep).where(
                SignInStep.digest == _digest(visit, name), SignInStep.kind == kind, SignInStep.expires_at > self._now()
            )
        )
        return found


def _digest(visit: str, name: str) -> str:
    return hashlib.sha256(f"{visit}\0{name}".encode()).hexdigest()
