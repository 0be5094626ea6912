"""Connecting a server by a person's consent: there with a state that belongs to their browser session, and back once.

What was found out about the authorization server before is what the answer is held against: its name, the way back, the
credential that the server had then.
"""

import base64
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import delete, select

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Role
from tradepost.hub.access.roles import require_role
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.ways_in import WayIn, way_in
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.oauth.accounts import Accounts
from tradepost.hub.upstreams.oauth.clients import callback_of
from tradepost.hub.upstreams.oauth.errors import OAuthFailed
from tradepost.hub.upstreams.oauth.kept import Place, forget_account
from tradepost.hub.upstreams.oauth.metadata import OFFLINE
from tradepost.hub.upstreams.oauth.models import ServerConnect
from tradepost.hub.upstreams.oauth.setups import CONSENT, Setup
from tradepost.hub.upstreams.oauth.token_requests import redeem, revoke
from tradepost.hub.vault.vault import Vault
from tradepost.protocol.api_marks import web_url

LIFE = timedelta(minutes=10)
MAX_CODE = 4_096
AGAIN = "Open the link of the server and connect again."

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Came:
    """What a browser brought back from an authorization server."""

    state: str
    code: str | None
    error: str | None
    issuer: str | None


class Connecting:
    """Connects and disconnects. What all agents share is an admin's to connect; a person's own account is their own."""

    def __init__(self, database: Database, vault: Vault, accounts: Accounts, now: Now = system_now) -> None:
        self._database = database
        self._vault = vault
        self._accounts = accounts
        self._secrets = vault.secrets_for("connectVerifier")
        self._now = now

    def link(self, server: Server) -> str:
        """Where a person connects a server, in a browser."""
        return self._accounts.renewal.link(server.slug)

    async def look(self, by: Caller, server: str) -> tuple[Server, WayIn]:
        """A server, and how the hub gets in there for whoever asks. Raises NotFound."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "viewer")
            found = await find_server(session, server)
            return found, await way_in(session, found, by.user_id)

    async def begin(self, by: Caller, session_id: str, server: str) -> str:
        """Where the browser of this session goes, for the consent. Raises UpstreamError, StateConflict."""
        found, setup = await self._setup(by, server)
        url = web_url(found.url or "")
        setup, scopes = await self._accounts.setups.for_consent(by.workspace_id, url, setup)
        endpoints, client = setup.endpoints, setup.client
        if endpoints is None or endpoints.authorization is None or client is None:
            raise OAuthFailed("The server's OAuth is not set up.", hint="Set it up again.")
        secret, moment = self._secrets()[0], self._now()
        state = secrets.token_urlsafe(32) + _mark(secret)
        redirect_uri = callback_of(self._accounts.setups.url)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await session.execute(delete(ServerConnect).where(ServerConnect.expires_at <= moment))
            row = ServerConnect(
                id=new_id("con"),
                digest=_digest(state),
                server_id=found.id,
                holder=setup.holder(by.user_id),
                user_id=by.user_id,
                session_id=session_id,
                redirect_uri=redirect_uri,
                asked=list(scopes),
                credential_version=found.credential_version,
                expires_at=moment + LIFE,
            )
            session.add(row)
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": _challenge(_verifier(secret, state)),
            "code_challenge_method": "S256",
            "resource": setup.resource or url,
        }
        query |= {"scope": " ".join(scopes)} if scopes else {}
        query |= {"prompt": "consent"} if OFFLINE in scopes else {}  # OpenID Connect gives it no other way
        where = endpoints.authorization
        return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"

    async def finish(self, by: Caller, session_id: str, came: Came) -> Server:
        """Take what a browser brought back, once. Raises StateConflict for a state that is unknown, used, too old or of
        another session, UpstreamError for an answer that is none or from somebody else."""
        kept = await self._taken(by, session_id, came.state)
        found, setup = await self._setup(by, kept.server_id)
        endpoints, client = setup.endpoints, setup.client
        if endpoints is None or client is None or found.credential_version != kept.credential_version:
            raise StateConflict("The server was changed meanwhile.", hint="Connect it again.")
        # First of all (RFC 9207): nothing that another one says is shown, not even an error.
        if came.issuer != endpoints.issuer and (came.issuer is not None or endpoints.names_itself):
            raise InvalidArgument("The answer comes from another authorization server than the one that was asked.")
        if came.error is not None:
            raise InvalidArgument(f"The authorization server refused: {came.error}.", hint=AGAIN)
        if not came.code or len(came.code) > MAX_CODE:
            raise InvalidArgument("The authorization server sent no code.", hint=AGAIN)
        resource = setup.resource or web_url(found.url or "")
        proof = (came.code, self._verifier_of(came.state), kept.redirect_uri, resource)
        proven = await self._accounts.setups.proven(by.workspace_id, setup)
        tokens = await redeem(self._accounts.http, endpoints, proven.client or client, *proof)
        place = Place(by.workspace_id, found.id, kept.holder)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, _least(setup))
            current = await find_server(session, found.id)
            if current.credential_version != kept.credential_version:
                raise StateConflict("The server was changed meanwhile.", hint="Connect it again.")
            await self._accounts.store.connect(session, place, tokens, kept.asked, by.user_id)
            if not setup.per_user:
                current.credential_version += 1
            granted = list(kept.asked if tokens.scopes is None else tokens.scopes)
            details = {"holder": kept.holder or "everybody", "issuer": endpoints.issuer, "scopes": granted}
            await record_change(session, by, "server:connected", current.id, details)
            return current

    async def disconnect(self, by: Caller, server: str) -> bool:
        """Forget the connection of whoever asks, or everybody's. False where there was none. The authorization server
        is told, if it listens."""
        found, setup = await self._setup(by, server)
        place = Place(by.workspace_id, found.id, setup.holder(by.user_id) or "")
        held = await self._accounts.store.read(place)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, _least(setup))
            current = await find_server(session, found.id)
            if not await forget_account(session, self._vault, current.id, place.holder):
                return False
            if not setup.per_user:
                current.credential_version += 1
            details = {"holder": place.holder or "everybody"}
            await record_change(session, by, "server:disconnected", current.id, details)
        token = None if held is None else held.refresh or held.access
        endpoints, client = setup.endpoints, setup.client
        if token is not None and endpoints is not None and client is not None:
            try:
                setup = await self._accounts.setups.proven(by.workspace_id, setup)
                await revoke(self._accounts.http, endpoints, setup.client or client, token)
            except OAuthFailed as failed:
                logger.info("the token for the server %s was not revoked: %s", found.slug, failed.message)
        return True

    async def _setup(self, by: Caller, server: str) -> tuple[Server, Setup]:
        async with self._database.transaction(by.workspace_id, write=False) as session:
            found = await find_server(session, server)
        setup = await self._accounts.setups.read(by.workspace_id, found.id)
        if setup is None or setup.flow != CONSENT:
            raise StateConflict(
                f"'{found.slug}' is not a server that people connect.",
                hint="Set it up for that: tradepost server credential, with --oauth workspace or --oauth user.",
            )
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, _least(setup))
        if setup.per_user and by.user_id is None:
            raise InvalidArgument(
                f"At '{found.slug}' each person has an account of their own.", hint="Say who it is: --as E-MAIL."
            )
        return found, setup

    async def _taken(self, by: Caller, session_id: str, state: str) -> ServerConnect:
        async with self._database.transaction(by.workspace_id, write=True) as session:
            mine = (
                ServerConnect.digest == _digest(state),
                ServerConnect.session_id == session_id,
                ServerConnect.user_id == by.user_id,
            )
            row = await session.scalar(select(ServerConnect).where(*mine))
            taken = await session.scalar(delete(ServerConnect).where(*mine).returning(ServerConnect.id))
            if row is None or taken is None or row.expires_at <= self._now():
                raise StateConflict(
                    "This way back was used already, took more than ten minutes, or began in another browser.",
                    hint=AGAIN,
                )
            session.expunge(row)
            return row

    def _verifier_of(self, state: str) -> str:
        """The vault's keys may have been rotated since this connection was begun."""
        known = self._secrets()
        return _verifier(next((secret for secret in known if state.endswith(_mark(secret))), known[0]), state)


def _verifier(secret: bytes, state: str) -> str:
    """The secret of a connection, which the state and the hub's own secret make: it is kept nowhere."""
    return _text(hmac.digest(secret, state.encode(), hashlib.sha256))


def _mark(secret: bytes) -> str:
    """By which a state names the hub's secret it was made with."""
    return hashlib.sha256(secret).hexdigest()[:8]


def _least(setup: Setup) -> Role:
    return "viewer" if setup.per_user else "admin"


def _challenge(verifier: str) -> str:
    return _text(hashlib.sha256(verifier.encode()).digest())


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
