"""Sessions of people in browsers: rows that all processes share, found by the hash of a cookie.

The cookie is no MCP credential and no key of the API: neither looks at it, and its value is not a key. It changes with
every sign-in. A session ends two hours after it was last used and twelve hours after the sign-in, by signing out, and
with whatever takes the person's way in: another password, a disabled user, a suspended workspace.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from sqlalchemy import and_, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import User, Workspace
from tradepost.hub.access.person_models import PersonSession
from tradepost.hub.access.signed_in import SignedIn

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)  # a use is written down so often at most
MAX_BROWSER = 120
SIGN_IN = "/sign-in"
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Held:
    """A session that is alive. It lets in only when it is `complete`: where the workspace asks for a second factor,
    one without may do nothing but set that up."""

    person: SignedIn
    complete: bool


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A session as its person sees it in the list."""

    id: str
    browser: str
    signed_in_at: datetime
    last_seen_at: datetime


class PersonSessions:
    """Knows the people who have signed in. `secure` is whether browsers come by https."""

    def __init__(self, database: Database, *, secure: bool, now: Now = system_now) -> None:
        self._database = database
        self._now = now
        self.cookie = "__Host-tradepost" if secure else "tradepost_session"

    async def of(self, headers: Mapping[str, str]) -> SignedIn | None:
        """See SignedInPeople."""
        held = await self.held(headers)
        return held.person if held is not None and held.complete else None

    def sign_in_path(self, back_to: str) -> str:
        """See SignedInPeople."""
        return f"{SIGN_IN}?back_to={quote(back_to, safe='')}"

    async def held(self, headers: Mapping[str, str]) -> Held | None:
        """The session behind a request's headers, whether or not it lets in yet."""
        value = cookie_value(headers.get("cookie", ""), self.cookie)
        if value is None or not _VALUE.fullmatch(value):
            return None
        now = self._now()
        found = (
            select(PersonSession, User, Workspace)
            .join(User, and_(User.workspace_id == PersonSession.workspace_id, User.id == PersonSession.user_id))
            .join(Workspace, and_(Workspace.workspace_id == User.workspace_id, Workspace.id == User.workspace_id))
            .where(PersonSession.digest == digest_of_cookie(value))
        )
        async with self._database.system(write=False, quick=True) as session:
            row = (await session.execute(found)).one_or_none()
        if row is None:
            return None
        kept, user, workspace = row
        if not _is_alive(kept, now) or user.status != "active" or workspace.status != "active":
            return None
        if now - kept.last_seen_at >= SEEN_EVERY:
            await self._seen(kept, now)
        complete = kept.second_factor or workspace.second_factor != "required"
        return Held(_signed_in(kept, user, form_token(value)), complete)

    async def begin(self, session: AsyncSession, user: User, *, second_factor: bool, browser: str) -> str:
        """A new session in the caller's transaction; the person's old rows go. Returns the cookie's value, the only
        time it exists."""
        value, now = secrets.token_urlsafe(32), self._now()
        over = delete(PersonSession).where(PersonSession.user_id == user.id, PersonSession.expires_at <= now)
        await session.execute(over.execution_options(synchronize_session=False))
        session.add(
            PersonSession(
                id=new_id("ses"),
                user_id=user.id,
                digest=digest_of_cookie(value),
                second_factor=second_factor,
                browser="".join(letter for letter in browser if letter.isprintable())[:MAX_BROWSER],
                signed_in_at=now,
                last_seen_at=now,
                expires_at=now + LONGEST,
            )
        )
        await session.flush()
        return value

    async def list_own(self, session: AsyncSession, user_id: str) -> list[OwnSession]:
        """A person's sessions that are alive, the latest first."""
        now = self._now()
        rows = await session.scalars(
            select(PersonSession)
            .where(
                PersonSession.user_id == user_id,
                PersonSession.ended_at.is_(None),
                PersonSession.expires_at > now,
                PersonSession.last_seen_at > now - IDLE,
            )
            .order_by(PersonSession.signed_in_at.desc())
        )
        return [OwnSession(row.id, row.browser, row.signed_in_at, row.last_seen_at) for row in rows]

    async def _seen(self, kept: PersonSession, now: datetime) -> None:
        async with self._database.transaction(kept.workspace_id, write=True) as session:
            await session.execute(
                update(PersonSession)
                .where(PersonSession.id == kept.id, PersonSession.ended_at.is_(None))
                .values(last_seen_at=now)
                .execution_options(synchronize_session=False)
            )


async def end_sessions_of(
    session: AsyncSession,
    user_id: str | None = None,
    *,
    only: str | None = None,
    now: Now = system_now,
) -> int:
    """End the sessions of a person, or of everybody in the workspace, or one of them. Returns how many."""
    ending = update(PersonSession).where(PersonSession.ended_at.is_(None))
    if user_id is not None:
        ending = ending.where(PersonSession.user_id == user_id)
    if only is not None:
        ending = ending.where(PersonSession.id == only)
    moment = now()
    values = {"ended_at": moment, "updated_at": moment}
    ended = await session.scalars(
        ending.values(values).returning(PersonSession.id).execution_options(synchronize_session=False)
    )
    return len(list(ended))


def form_token(cookie: str) -> str:
    """What the forms of a browser carry. Who has it does not have the cookie."""
    return hmac.digest(cookie.encode(), b"tradepost form", hashlib.sha256).hex()


def digest_of_cookie(value: str) -> str:
    """What is kept of a cookie's value, which has 256 random bits."""
    return hashlib.sha256(value.encode()).hexdigest()


def cookie_value(header: str, name: str) -> str | None:
    """The value of a cookie in a header. None where it stands twice: somebody else may have set one of them."""
    found = [value.strip() for key, is_pair, value in (part.partition("=") for part in header.split(";"))
             if is_pair and key.strip() == name]  # fmt: skip
    return found[0] if len(found) == 1 else None


def _is_alive(kept: PersonSession, now: datetime) -> bool:
    return kept.ended_at is None and now < kept.expires_at and now < kept.last_seen_at + IDLE


def _signed_in(kept: PersonSession, user: User, token: str) -> SignedIn:
    return SignedIn(
        session_id=kept.id,
        workspace_id=user.workspace_id,
        user_id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,  # type: ignore[arg-type]
        form_token=token,
        signed_in_at=kept.signed_in_at,
        second_factor=kept.second_factor,
    )
