"""The own account: what it is, another password, the browsers that are signed in."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound
from tradepost.hub.access.attempts import CODE
from tradepost.hub.access.models import User, Workspace
from tradepost.hub.access.person_links import set_password_hash
from tradepost.hub.access.person_sessions import Held, end_sessions_of
from tradepost.hub.access.profile_roles import list_profile_roles
from tradepost.hub.access.signed_in import SignedIn
from tradepost.identity.menu import menu_with_counts
from tradepost.identity.pages import go_to
from tradepost.identity.people.browser import ACCOUNT, headers_of
from tradepost.identity.people.entering import named
from tradepost.identity.people.links import new_password
from tradepost.identity.people.parts import Parts

FRESH = timedelta(minutes=10)


class Account:
    """The pages."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def show(self, request: Request) -> Response:
        """GET /account."""
        held = await self._parts.sessions.held(headers_of(request))
        if held is None or not held.complete:
            return elsewhere(self._parts, held)
        return await self._page(held.person, done=_DONE.get(request.query_params.get("done", "")))

    async def change_password(self, request: Request) -> Response:
        """POST /account/password: with the password of today, or soon after signing in where there is none. Other
        browsers are signed out, this one gets another cookie."""
        parts = self._parts
        person, fields = await self._person(request)
        try:
            await check_password_of(parts, person, fields)
            hashed = await parts.passwords.hashed(new_password({**fields, "email": person.email}))
        except InvalidArgument as wrong:
            return await self._page(person, said=wrong.message, status=400)
        async with parts.database.transaction(person.workspace_id, write=True) as session:
            user = await user_of(session, person)
            await set_password_hash(session, user, hashed, parts.now)
        answer = go_to(f"{ACCOUNT}?done=password")
        return await begin_anew(parts, request, person, answer, second_factor=person.second_factor)

    async def end(self, request: Request) -> Response:
        """POST /account/sessions: end one of the own sessions, or all others."""
        person, fields = await self._person(request)
        wanted = fields.get("end", "")
        async with self._parts.database.transaction(person.workspace_id, write=True) as session:
            own = {one.id for one in await self._parts.sessions.list_own(session, person.user_id)}
            ending = own - {person.session_id} if wanted == "others" else own & {wanted}
            if not ending and wanted != "others":
                raise NotFound("That session is over already.")
            for one in ending:
                await end_sessions_of(session, person.user_id, only=one, now=self._parts.now)
        return go_to(f"{ACCOUNT}?done=ended")

    async def _person(self, request: Request) -> tuple[SignedIn, dict[str, str]]:
        held = await self._parts.sessions.held(headers_of(request))
        if held is None or not held.complete:
            raise ForbiddenScope("You are not signed in any more.", hint="Sign in again.")
        return held.person, await self._parts.browsers.form(request, held.person.form_token)

    async def _page(
        self, person: SignedIn, said: str | None = None, done: str | None = None, status: int = 200
    ) -> Response:
        async with self._parts.database.transaction(person.workspace_id, write=False) as session:
            facts = {
                "workspace": await workspace_name(session),
                "profile_roles": await list_profile_roles(session, person.user_id),
                "has_factor": await self._parts.factors.has(session, person.user_id),
                "codes_left": await self._parts.factors.left(session, person.user_id),
                "has_password": (await user_of(session, person)).password_hash is not None,
                "sessions": await self._parts.sessions.list_own(session, person.user_id),
                "menu": await menu_with_counts(session, ACCOUNT),
            }
        facts |= {"person": person, "token": person.form_token}
        return self._parts.pages.page("account.html", status, said=said, done=done, **facts)


_DONE = {"password": "Your password is changed.", "ended": "That is ended.", "factor": "Your second factor is gone."}


def elsewhere(parts: Parts, held: Held | None, back_to: str = ACCOUNT) -> Response:
    """Where somebody goes who may not see a page: to the sign-in and from there back, or to set up the second
    factor."""
    path = "/account/second-factor" if held is not None else parts.sessions.sign_in_path(back_to)
    return go_to(path)


async def check_password_of(parts: Parts, person: SignedIn, fields: dict[str, str]) -> None:
    """That it is still the person who sits there: by the password of today (`current`), or by having signed in a moment
    ago where they have none. Raises InvalidArgument, RateLimited."""
    async with parts.database.transaction(person.workspace_id, write=False) as session:
        password_hash = (await user_of(session, person)).password_hash
    if password_hash is None:
        if parts.now() - person.signed_in_at > FRESH:
            raise InvalidArgument("You signed in a while ago. Sign out and in again, then do this at once.")
        return
    await parts.attempts.count(CODE, "password", person.user_id)
    if not await parts.passwords.fits(password_hash, fields.get("current", "")):
        raise InvalidArgument("The password of today is not right.", field="current")


async def begin_anew(
    parts: Parts, request: Request, person: SignedIn, answer: Response, *, second_factor: bool
) -> Response:
    """A fresh session with a fresh cookie for a person whose sessions have all just ended."""
    async with parts.database.transaction(person.workspace_id, write=True) as session:
        user = await user_of(session, person)
        browser = named(request.headers.get("user-agent", ""))
        cookie = await parts.sessions.begin(session, user, second_factor=second_factor, browser=browser)
    return parts.browsers.sign_in(answer, cookie)


async def user_of(session: AsyncSession, person: SignedIn) -> User:
    """The row of the person."""
    return (await session.scalars(select(User).where(User.id == person.user_id))).one()


async def workspace_name(session: AsyncSession) -> str:
    """The name of the session's workspace."""
    return str(await session.scalar(select(Workspace.name)))
