"""Setting up the second factor: a picture to scan, a first code, recovery codes once; later other codes, or its end."""

from urllib.parse import parse_qs, urlsplit

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from tradepost.foundation.errors import ForbiddenScope, InvalidArgument
from tradepost.foundation.ids import new_id
from tradepost.hub.access.attempts import CODE
from tradepost.hub.access.person_sessions import Held
from tradepost.hub.access.roles import caller_for_user
from tradepost.hub.access.signed_in import SignedIn
from tradepost.identity.pages import go_to
from tradepost.identity.people.account import begin_anew, check_password_of, elsewhere, user_of, workspace_name
from tradepost.identity.people.browser import ACCOUNT, headers_of
from tradepost.identity.people.parts import Parts

_WRONG = "That code does not fit, or was used already. Take the newest one."


class FactorPages:
    """The pages. Who lacks a factor that the workspace asks for may come here and nowhere else."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def show(self, request: Request) -> Response:
        """GET /account/second-factor."""
        held = await self._parts.sessions.held(headers_of(request))
        return await self._page(held) if held is not None else elsewhere(self._parts, None)

    async def begin(self, request: Request) -> Response:
        """POST …/begin: a new secret, shown to be scanned. It counts with its first code."""
        held, _ = await self._person(request)
        async with self._parts.database.transaction(held.person.workspace_id, write=True) as session:
            user = await user_of(session, held.person)
            address = await self._parts.factors.begin(session, user, _issuer(await workspace_name(session)))
        return await self._page(held, address)

    async def confirm(self, request: Request) -> Response:
        """POST …/confirm: the first code. Other browsers are signed out, this one gets another cookie."""
        parts = self._parts
        held, fields = await self._person(request)
        person = held.person
        try:
            await check_password_of(parts, person, fields)
            await parts.attempts.count(CODE, person.user_id)
            async with parts.database.transaction(person.workspace_id, write=True) as session:
                user = await user_of(session, person)
                codes = await parts.factors.confirm(session, user, fields.get("code", "")[:64])
        except InvalidArgument as wrong:
            return await self._page(held, await self._pending(person), wrong.message, 400)
        answer = parts.pages.page("recovery_codes.html", codes=codes, back_to=ACCOUNT)
        return await begin_anew(parts, request, person, answer, second_factor=True)

    async def new_codes(self, request: Request) -> Response:
        """POST …/codes: other recovery codes."""
        held, is_right = await self._with_code(request)
        if not is_right:
            return await self._page(held, said=_WRONG, status=400)
        async with self._parts.database.transaction(held.person.workspace_id, write=True) as session:
            codes = await self._parts.factors.new_codes(session, await user_of(session, held.person))
        return self._parts.pages.page("recovery_codes.html", codes=codes, back_to=ACCOUNT)

    async def remove(self, request: Request) -> Response:
        """POST …/remove: without a second factor from now on."""
        held, is_right = await self._with_code(request)
        if not is_right:
            return await self._page(held, said=_WRONG, status=400)
        person = held.person
        async with self._parts.database.transaction(person.workspace_id, write=True) as session:
            by = caller_for_user(await user_of(session, person), new_id("req"))
            await self._parts.factors.remove(session, by, person.email)
        answer = go_to(f"{ACCOUNT}?done=factor")
        return await begin_anew(self._parts, request, person, answer, second_factor=False)

    async def _with_code(self, request: Request) -> tuple[Held, bool]:
        held, fields = await self._person(request)
        person = held.person
        await self._parts.attempts.count(CODE, person.user_id)
        async with self._parts.database.transaction(person.workspace_id, write=True) as session:
            return held, await self._parts.factors.accepts(session, person.user_id, fields.get("code", "")[:64])

    async def _person(self, request: Request) -> tuple[Held, dict[str, str]]:
        held = await self._parts.sessions.held(headers_of(request))
        if held is None:
            raise ForbiddenScope("You are not signed in any more.", hint="Sign in again.")
        return held, await self._parts.browsers.form(request, held.person.form_token)

    async def _pending(self, person: SignedIn) -> str | None:
        async with self._parts.database.transaction(person.workspace_id, write=False) as session:
            user = await user_of(session, person)
            return await self._parts.factors.pending(session, user, _issuer(await workspace_name(session)))

    async def _page(
        self, held: Held, address: str | None = None, said: str | None = None, status: int = 200
    ) -> Response:
        person = held.person
        async with self._parts.database.transaction(person.workspace_id, write=False) as session:
            facts = {
                "has_factor": await self._parts.factors.has(session, person.user_id),
                "has_password": (await user_of(session, person)).password_hash is not None,
            }
        shown = {
            "qr": _picture(address) if address is not None else None,
            "key": parse_qs(urlsplit(address).query)["secret"][0] if address is not None else "",
            "complete": held.complete,
            "said": said,
            "token": person.form_token,
        }
        return self._parts.pages.page("second_factor.html", status, **facts, **shown)


def _issuer(workspace: str) -> str:
    return f"Tradepost {workspace}".replace(":", " ")


def _picture(address: str) -> Markup:
    """The address as a QR code, drawn inside the page: no other server ever sees it."""
    drawn = segno.make(address, error="m").svg_inline(scale=4, svgclass="qr", lineclass=None, omitsize=True)
    return Markup(drawn)  # noqa: S704 (made of squares by the library; the text is not in it)
