"""The pages behind one-time links. Opening one changes nothing; sending its form uses it up."""

from starlette.requests import Request
from starlette.responses import Response

from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.hub.access.accounts import Account
from tradepost.hub.access.attempts import LINK
from tradepost.hub.access.models import User
from tradepost.hub.access.person_links import OpenLink, accept_invitation, accept_welcome, open_link
from tradepost.hub.access.person_sessions import form_token
from tradepost.identity.people.browser import HOME
from tradepost.identity.people.entering import Entering, Proof, address_of
from tradepost.identity.people.parts import Parts


class Links:
    """Welcomes and invitations."""

    def __init__(self, parts: Parts, entering: Entering) -> None:
        self._parts = parts
        self._entering = entering

    async def show(self, request: Request) -> Response:
        """GET /welcome/… and /invitation/…: the form."""
        link = await self._open(request)
        return self._form(request, self._parts.browsers.visit(request), link)

    async def send(self, request: Request) -> Response:
        """POST /welcome/… and /invitation/…: the password, and with an invitation the name; then a session."""
        parts = self._parts
        visit, fields = await parts.browsers.form_of_visitor(request)
        link = await self._open(request)
        invited, name = kind_of(request) == "invitation", fields.get("name", "")
        try:
            hashed = await parts.passwords.hashed(new_password(fields))
            async with parts.database.transaction(link.workspace_id, write=True) as session:
                if invited:
                    user: User = await accept_invitation(session, link.id, name, hashed, parts.now)
                else:
                    user = await accept_welcome(session, link.id, hashed, parts.now)
        except InvalidArgument as wrong:
            return self._form(request, visit, link, name, wrong.message, 400)
        account = Account(user.workspace_id, link.workspace, "", user.id, user.email, hashed)
        return await self._entering.enter(request, visit, [account], Proof("link"), HOME)

    async def _open(self, request: Request) -> OpenLink:
        try:
            token = request.path_params["token"]
            return await open_link(self._parts.database, kind_of(request), token, self._parts.now)
        except NotFound:
            await self._parts.attempts.count(LINK, address_of(request))
            raise

    def _form(
        self, request: Request, visit: str, link: OpenLink, name: str = "", said: str | None = None, status: int = 200
    ) -> Response:
        invited = kind_of(request) == "invitation"
        shown = {"link": link, "invited": invited, "name": name or link.name, "said": said}
        provider = self._parts.provider_label
        page = self._parts.pages.page("set_password.html", status, token=form_token(visit), provider=provider, **shown)
        return self._parts.browsers.keep_visit(request, visit, page)


def kind_of(request: Request) -> str:
    """Which kind of link a path names."""
    return str(request.scope["path"]).split("/")[1]


def new_password(fields: dict[str, str]) -> str:
    """A password that was typed twice. Raises InvalidArgument."""
    password = fields.get("password", "")
    if password != fields.get("again", ""):
        raise InvalidArgument("The two passwords are not the same.", field="again")
    if password.strip().lower() == fields.get("email", "").strip().lower():
        raise InvalidArgument("The password is the e-mail address.", field="password", hint="Take another one.")
    return password
