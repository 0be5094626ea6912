"""Signing in with an e-mail address and a password, and signing out.

Whoever is not known gets the same words after the same work as whoever has mistyped. With an address that is in several
workspaces, each password hash is tried.
"""

from dataclasses import replace

from sqlalchemy import update
from starlette.requests import Request
from starlette.responses import Response

from tradepost.foundation.errors import InvalidArgument, RateLimited
from tradepost.hub.access.accounts import Account, accounts_of
from tradepost.hub.access.models import User
from tradepost.hub.access.passwords import is_dated
from tradepost.hub.access.person_sessions import SIGN_IN, form_token
from tradepost.identity.pages import go_to
from tradepost.identity.people.browser import headers_of, local_path
from tradepost.identity.people.entering import Entering, Proof, address_of, end_session
from tradepost.identity.people.parts import Parts

_WRONG = "E-mail address and password do not fit together."


class SignIn:
    """The pages."""

    def __init__(self, parts: Parts, entering: Entering) -> None:
        self._parts = parts
        self._entering = entering

    async def show(self, request: Request) -> Response:
        """GET /sign-in: the form, or straight on for somebody who has signed in."""
        back_to = local_path(request.query_params.get("back_to", ""))
        if await self._parts.sessions.of(headers_of(request)) is not None:
            return go_to(back_to)
        return self._form(request, self._parts.browsers.visit(request), back_to)

    async def send(self, request: Request) -> Response:
        """POST /sign-in."""
        parts = self._parts
        visit, fields = await parts.browsers.form_of_visitor(request)
        email, password = fields.get("email", "").strip().lower(), fields.get("password", "")
        slug, back_to = fields.get("workspace", "").strip().lower(), local_path(fields.get("back_to", ""))
        try:
            if not email or len(email) > 256 or len(slug) > 64:
                raise InvalidArgument(_WRONG)
            await parts.attempts.sign_in(email, address_of(request))
            fitting = await self._fitting(email, slug, password)
            if not fitting:
                raise InvalidArgument(_WRONG)
        except InvalidArgument as wrong:
            return self._form(request, visit, back_to, email, slug, wrong.message, 400)
        except RateLimited as late:
            seconds = max(1, round(late.retry_after_seconds or 1))
            said = f"{late.message} Try again in {seconds} seconds."
            page = self._form(request, visit, back_to, email, slug, said, 429)
            page.headers["Retry-After"] = str(seconds)
            return page
        return await self._entering.enter(request, visit, fitting, Proof("password"), back_to)

    async def leave(self, request: Request) -> Response:
        """POST /sign-out."""
        held = await self._parts.sessions.held(headers_of(request))
        if held is not None:
            await self._parts.browsers.form(request, held.person.form_token)
            await end_session(self._parts.database, held.person.workspace_id, held.person.session_id)
        return self._parts.browsers.sign_out(go_to(SIGN_IN))

    async def _fitting(self, email: str, slug: str, password: str) -> list[Account]:
        """The accounts with this password. At least one hash is computed, whoever is asked for."""
        accounts = await accounts_of(self._parts.database, email, slug)
        if not accounts:
            await self._parts.passwords.fits(None, password)
        fitting = [one for one in accounts if await self._parts.passwords.fits(one.password_hash, password)]
        return [await self._refreshed(one, password) for one in fitting]

    async def _refreshed(self, account: Account, password: str) -> Account:
        """The account; its password is hashed anew where that was done with parameters of earlier days."""
        if account.password_hash is None or not is_dated(account.password_hash):
            return account
        hashed = await self._parts.passwords.hashed(password)
        async with self._parts.database.transaction(account.workspace_id, write=True) as session:
            await session.execute(
                update(User)
                .where(User.id == account.user_id, User.password_hash == account.password_hash)
                .values(password_hash=hashed)
                .execution_options(synchronize_session=False)
            )
        return replace(account, password_hash=hashed)

    def _form(
        self,
        request: Request,
        visit: str,
        back_to: str,
        email: str = "",
        workspace: str = "",
        said: str | None = None,
        status: int = 200,
    ) -> Response:
        shown = {"email": email, "workspace": workspace, "said": said, "provider": self._parts.provider_label}
        page = self._parts.pages.page("sign_in.html", status, back_to=back_to, token=form_token(visit), **shown)
        return self._parts.browsers.keep_visit(request, visit, page)
