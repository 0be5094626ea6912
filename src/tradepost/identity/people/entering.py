"""From "these accounts are theirs" to a session: choose a workspace where there are several, show the second factor
where there is one, then begin the session with a cookie of its own."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tradepost.database.engine import Database
from tradepost.foundation.errors import Unauthenticated
from tradepost.foundation.ids import new_id
from tradepost.hub.access.accounts import Account, Identity, active_user, link_identity
from tradepost.hub.access.attempts import CODE, place_of
from tradepost.hub.access.changes import note
from tradepost.hub.access.person_sessions import end_sessions_of, form_token
from tradepost.hub.access.roles import caller_for_user
from tradepost.identity.pages import go_to
from tradepost.identity.people.browser import headers_of, local_path
from tradepost.identity.people.parts import Parts

SECOND_FACTOR = "/account/second-factor"


@dataclass(frozen=True, slots=True)
class Proof:
    """How somebody has shown who they are: `way` is password, link or provider, `two_factors` whether in two ways."""

    way: str
    two_factors: bool = False
    identity: Identity | None = None

    def as_facts(self) -> dict[str, Any]:
        return {**asdict(self)}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Proof":
        identity = facts["identity"]
        return cls(facts["way"], facts["two_factors"], Identity(**identity) if identity is not None else None)


@dataclass(frozen=True, slots=True)
class Chosen:
    """An account whose person this is. `password` tells one password from another: when it has changed before the
    sign-in is over, that is void."""

    workspace_id: str
    workspace: str
    slug: str
    user_id: str
    password: str

    @classmethod
    def of(cls, account: Account) -> "Chosen":
        mark = _mark(account.password_hash)
        return cls(account.workspace_id, account.workspace, account.slug, account.user_id, mark)


class Entering:
    """The rest of every sign-in."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def enter(
        self, request: Request, visit: str, accounts: Sequence[Account], proof: Proof, back_to: str
    ) -> Response:
        """The next page for somebody whose accounts these are."""
        known = [Chosen.of(one) for one in accounts]
        if len(known) == 1:
            return await self._enter_one(request, visit, known[0], proof, back_to)
        facts = {"accounts": [asdict(one) for one in known], "proof": proof.as_facts(), "back_to": back_to}
        step = await self._parts.steps.begin(visit, "workspace", facts)
        page = self._parts.pages.page("workspace.html", accounts=known, step=step, token=form_token(visit))
        return self._parts.browsers.keep_visit(request, visit, page)

    async def choose_workspace(self, request: Request) -> Response:
        """POST /sign-in/workspace: one of the workspaces that were offered."""
        visit, fields = await self._parts.browsers.form_of_visitor(request)
        facts = await self._parts.steps.take(visit, "workspace", fields.get("step", ""))
        chosen = fields.get("workspace", "")
        found = [one for one in facts["accounts"] if one["workspace_id"] == chosen] if facts is not None else []
        if facts is None or not found:
            raise begin_again()
        return await self._enter_one(request, visit, Chosen(**found[0]), Proof.of(facts["proof"]), facts["back_to"])

    async def check_code(self, request: Request) -> Response:
        """POST /sign-in/code: a code of the second factor."""
        parts = self._parts
        visit, fields = await parts.browsers.form_of_visitor(request)
        step = fields.get("step", "")
        facts = await parts.steps.look(visit, "code", step)
        if facts is None:
            raise begin_again()
        chosen = Chosen(**facts["account"])
        await parts.attempts.count(CODE, chosen.user_id)
        async with parts.database.transaction(chosen.workspace_id, write=True) as session:
            is_right = await parts.factors.accepts(session, chosen.user_id, fields.get("code", "")[:64])
        if not is_right:
            said = "That code does not fit, or was used already. Take the newest one."
            return self._code_page(request, visit, step, said, 400)
        if await parts.steps.take(visit, "code", step) is None:
            raise begin_again()
        return await self._finish(request, chosen, Proof.of(facts["proof"]), facts["back_to"], second_factor=True)

    async def _enter_one(self, request: Request, visit: str, chosen: Chosen, proof: Proof, back_to: str) -> Response:
        async with self._parts.database.transaction(chosen.workspace_id, write=False) as session:
            asks = not proof.two_factors and await self._parts.factors.has(session, chosen.user_id)
        if not asks:
            return await self._finish(request, chosen, proof, back_to, second_factor=proof.two_factors)
        facts = {"account": asdict(chosen), "proof": proof.as_facts(), "back_to": back_to}
        return self._code_page(request, visit, await self._parts.steps.begin(visit, "code", facts), None, 200)

    async def _finish(
        self, request: Request, chosen: Chosen, proof: Proof, back_to: str, *, second_factor: bool
    ) -> Response:
        parts = self._parts
        before = await parts.sessions.held(headers_of(request))
        async with parts.database.transaction(chosen.workspace_id, write=True) as session:
            user = await active_user(session, chosen.user_id)
            if chosen.password != _mark(user.password_hash):
                raise begin_again()
            if proof.identity is not None:
                await link_identity(session, user, proof.identity, parts.now)
            browser = request.headers.get("user-agent", "")
            cookie = await parts.sessions.begin(session, user, second_factor=second_factor, browser=named(browser))
            details = {"way": proof.way, "second_factor": second_factor}
            note(session, caller_for_user(user, new_id("req")), "user:signed_in", user.id, details)
        if before is not None:
            await end_session(parts.database, before.person.workspace_id, before.person.session_id)
        await parts.attempts.succeeded(user.email, address_of(request))
        held = await parts.sessions.held({"cookie": f"{parts.sessions.cookie}={cookie}"})
        goes_to = local_path(back_to) if held is not None and held.complete else SECOND_FACTOR
        return parts.browsers.sign_in(go_to(goes_to), cookie)

    def _code_page(self, request: Request, visit: str, step: str, said: str | None, status: int) -> Response:
        page = self._parts.pages.page("code.html", status, step=step, said=said, token=form_token(visit))
        return self._parts.browsers.keep_visit(request, visit, page)


async def end_session(database: Database, workspace_id: str, session_id: str) -> None:
    """End one session for good."""
    async with database.transaction(workspace_id, write=True) as session:
        await end_sessions_of(session, only=session_id)


def address_of(request: Request) -> str:
    """Where a request comes from, as attempts are counted."""
    return place_of(request.client.host if request.client is not None else "")


def named(user_agent: str) -> str:
    """A browser in the words of people, as far as it says what it is."""
    browsers = (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = (
        *(("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad")),
        *(("Mac OS X", "macOS"), ("Linux", "Linux")),
    )
    browser = next((name for mark, name in browsers if mark in user_agent), "")
    system = next((name for mark, name in systems if mark in user_agent), "")
    return f"{browser} on {system}" if browser and system else browser or user_agent.split(" ", 1)[0]


def _mark(password_hash: str | None) -> str:
    return hashlib.sha256((password_hash or "").encode()).hexdigest()


def begin_again() -> Unauthenticated:
    """A step that is over, or belongs to another browser."""
    return Unauthenticated("This sign-in is over, or was begun in another browser.", hint="Begin again.")
