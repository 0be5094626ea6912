"""The pages on which a person connects a server: what it is and for whom, then the vendor's own page, and back."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.signed_in import SignedIn
from tradepost.hub.registration.connecting import Came, Connecting
from tradepost.hub.registration.ways_in import shown_url
from tradepost.hub.upstreams.oauth.clients import client_document
from tradepost.hub.upstreams.oauth.fetching import error_in
from tradepost.identity.pages import go_to
from tradepost.identity.people.account import elsewhere
from tradepost.identity.people.browser import headers_of
from tradepost.identity.people.parts import Parts

FOLDER = "/connect/servers/"
_ONCE = ("state", "code", "iss", "error")


class ConnectPages:
    """The pages."""

    def __init__(self, parts: Parts, connecting: Connecting) -> None:
        self._parts = parts
        self._connecting = connecting

    async def show(self, request: Request) -> Response:
        """GET /connect/servers/…: what would be connected."""
        held = await self._parts.sessions.held(headers_of(request))
        if held is None or not held.complete:
            return elsewhere(self._parts, held, request.url.path)
        return await self._page(held.person, request.path_params["server"])

    async def send(self, request: Request) -> Response:
        """POST /connect/servers/…: on to the vendor, or the end of the connection."""
        person, server = await self._person(request), request.path_params["server"]
        fields = await self._parts.browsers.form(request, person.form_token)
        if fields.get("do") == "disconnect":
            await self._connecting.disconnect(_caller(person), server)
            return go_to(request.url.path)
        return go_to(await self._connecting.begin(_caller(person), person.session_id, server))

    async def come_back(self, request: Request) -> Response:
        """GET /connect/callback: from the vendor."""
        query = request.query_params
        if any(len(query.getlist(name)) > 1 for name in _ONCE):
            raise InvalidArgument("The way back cannot be read.", hint="Open the link of the server and connect again.")
        person = await self._person(request)
        error = query.get("error")
        shown = None if error is None else error_in({"error": error}) or "an error without a usable name"
        came = Came(query.get("state", ""), query.get("code"), shown, query.get("iss"))
        server = await self._connecting.finish(_caller(person), person.session_id, came)
        return self._parts.pages.message(
            "Connected", f"The hub can use {server.name} now.", "You can close this page and go back to your agent."
        )

    async def document(self, _request: Request) -> Response:
        """GET /connect/client.json: what the hub is as a client of foreign authorization servers."""
        return JSONResponse(client_document(self._parts.url), headers={"cache-control": "public, max-age=300"})

    async def _person(self, request: Request) -> SignedIn:
        held = await self._parts.sessions.held(headers_of(request))
        if held is None or not held.complete:
            raise StateConflict("You are not signed in any more.", hint="Sign in, then open the link again.")
        return held.person

    async def _page(self, person: SignedIn, server: str) -> Response:
        found, way = await self._connecting.look(_caller(person), server)
        shown = {"server": found, "way": way, "url": shown_url(found)}
        return self._parts.pages.page("connect.html", 200, person=person, token=person.form_token, **shown)


def _caller(person: SignedIn) -> Caller:
    return Caller(person.workspace_id, Principal("user", person.user_id), new_id("req"), user_id=person.user_id)
