"""Signing in with the identity provider: there with a state that belongs to this browser, and back once."""

import base64
import hashlib
import hmac
import logging
import re
from contextlib import suppress

from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from tradepost.foundation.errors import ForbiddenScope, NotFound, StateConflict, TradepostError
from tradepost.foundation.ids import new_id
from tradepost.hub.access.accounts import Account, Identity, accounts_of_identity
from tradepost.hub.access.attempts import ADDRESS
from tradepost.hub.access.people import create_user
from tradepost.hub.access.person_links import accept_invitation, open_invitations_of
from tradepost.hub.access.roles import system_caller
from tradepost.hub.access.workspaces import find_workspace, list_workspaces
from tradepost.identity.pages import go_to
from tradepost.identity.people.browser import local_path
from tradepost.identity.people.entering import Entering, Proof, address_of, begin_again
from tradepost.identity.people.oidc_fetch import failed
from tradepost.identity.people.oidc_provider import Provider
from tradepost.identity.people.parts import Parts

CALLBACK = "/sign-in/oidc/callback"
_ERROR = re.compile(r"[a-z_]{1,40}")
_log = logging.getLogger(__name__)


class ProviderSignIn:
    """The two ends of the way."""

    def __init__(self, parts: Parts, entering: Entering, provider: Provider) -> None:
        self._parts = parts
        self._entering = entering
        self._provider = provider

    async def leave(self, request: Request) -> Response:
        """GET /sign-in/oidc: to the provider. A link, not a form: nothing here changes by it."""
        parts = self._parts
        await parts.attempts.count(ADDRESS, address_of(request))
        visit = parts.browsers.visit(request)
        back_to = local_path(request.query_params.get("back_to", ""))
        state = await parts.steps.begin(visit, "provider", {"back_to": back_to})
        challenge = base64.urlsafe_b64encode(hashlib.sha256(_verifier(visit, state).encode()).digest())
        where = await self._provider.address(state, _nonce(visit, state), challenge.rstrip(b"=").decode())
        return parts.browsers.keep_visit(request, visit, go_to(where))

    async def come_back(self, request: Request) -> Response:
        """GET /sign-in/oidc/callback: from the provider, with a code for who it is."""
        parts, query = self._parts, request.query_params
        if any(len(query.getlist(name)) > 1 for name in ("state", "code", "iss", "error")):
            raise begin_again()
        visit, state = parts.browsers.visit(request), query.get("state", "")
        facts = await parts.steps.take(visit, "provider", state)
        if facts is None:
            raise begin_again()
        await self._provider.check_issuer(query.get("iss"))
        error, code = query.get("error"), query.get("code")
        if error is not None or not code or len(code) > 4096:
            shown = error if error is not None and _ERROR.fullmatch(error) else "no code came back"
            raise failed(shown)
        said = await self._provider.redeem(code, _verifier(visit, state), _nonce(visit, state))
        accounts = await self._accounts(said.identity)
        if not accounts:
            raise ForbiddenScope(
                f"{said.identity.email} has no account here and no invitation.",
                hint="Ask an admin of your workspace to invite this address.",
            )
        proof = Proof("provider", said.two_factors, said.identity)
        return await self._entering.enter(request, visit, accounts, proof, facts["back_to"])

    async def _accounts(self, who: Identity) -> list[Account]:
        """The accounts of an identity. Open invitations of its address are accepted by coming with it."""
        known = {one.workspace_id for one in await accounts_of_identity(self._parts.database, who)}
        for link in await open_invitations_of(self._parts.database, who.email, self._parts.now):
            if link.workspace_id in known:
                continue
            try:
                async with self._parts.database.transaction(link.workspace_id, write=True) as session:
                    await accept_invitation(session, link.id, who.name, None, self._parts.now)
                known.add(link.workspace_id)
            except TradepostError as refused:  # of one workspace: the others let in all the same
                _log.info("an invitation was not accepted: %s", refused.message)
        if not known and who.email.rpartition("@")[2] in self._provider.settings.domains:
            await self._make_viewer(who)
        return await accounts_of_identity(self._parts.database, who)

    async def _make_viewer(self, who: Identity) -> None:
        """Whoever has an address of the operator's own domains may look."""
        workspace_id = await self._workspace_for_new()
        if workspace_id is None:
            return
        by = system_caller(workspace_id, new_id("req"))
        # There already: made at the same moment, or disabled, and then nobody gets in.
        with suppress(StateConflict, IntegrityError):
            async with self._parts.database.transaction(workspace_id, write=True) as session:
                await create_user(session, by, who.email, who.name, "viewer")

    async def _workspace_for_new(self) -> str | None:
        named = self._provider.settings.workspace
        if not named:
            found = await list_workspaces(self._parts.database)
            return found[0].id if len(found) == 1 else None
        try:
            return (await find_workspace(self._parts.database, named)).id
        except NotFound:
            _log.error("TRADEPOST_OIDC_WORKSPACE names a workspace that is not there: %s", named)
            return None


def _verifier(visit: str, state: str) -> str:
    """The secret of this sign-in, which the browser's cookie and the state make: it is kept nowhere."""
    return base64.urlsafe_b64encode(_derived(visit, "verifier", state)).rstrip(b"=").decode()


def _nonce(visit: str, state: str) -> str:
    return _derived(visit, "nonce", state).hex()


def _derived(visit: str, purpose: str, state: str) -> bytes:
    return hmac.digest(visit.encode(), f"{purpose}\0{state}".encode(), hashlib.sha256)
