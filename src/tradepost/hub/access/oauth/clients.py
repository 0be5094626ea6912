"""The clients of the authorization server, whichever way they are known: registered by an admin, by the URL of a
document about them, or by registering themselves."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sqlalchemy import select

from tradepost.database.engine import Database
from tradepost.foundation.canonical import canonical
from tradepost.foundation.rotating import Rotating
from tradepost.hub.access.models import Workspace
from tradepost.hub.access.oauth import dynamic
from tradepost.hub.access.oauth.errors import UNAUTHORIZED_CLIENT, OAuthError, invalid_client
from tradepost.hub.access.oauth.models import OAuthClient, OAuthGrant

DOCUMENT = "https://"
MAX_CLIENT_ID = 2048

Source = Literal["registered", "document", "dynamic"]


@dataclass(frozen=True, slots=True)
class Client:
    """What is known of a client. One that an admin registered belongs to a workspace and has a row; `agent_id` is whom
    it may act as on its own. All others are of no workspace, and public where their document has no keys."""

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    source: Source
    workspace_id: str | None = None
    row_id: str | None = None
    secret_digest: str | None = None
    jwks: dict[str, Any] | None = None
    agent_id: str | None = None

    @property
    def is_confidential(self) -> bool:
        """Whether it has to prove who it is."""
        return self.secret_digest is not None or self.jwks is not None

    @property
    def redirects_digest(self) -> str:
        """Changes with its redirect URIs: then people are asked again."""
        return hashlib.sha256(canonical(sorted(self.redirect_uris))).hexdigest()


class Documents(Protocol):
    """Who reads client metadata documents."""

    async def read(self, url: str) -> "Client":
        """The client that a URL describes. Raises OAuthError."""
        ...


class Clients:
    """Finds them. `dynamic_secrets` seal what clients registered themselves with; None where they may not. Without
    `documents` none is known by one. Without `public` only those are let in that can prove who they are."""

    def __init__(
        self,
        database: Database,
        documents: Documents | None,
        dynamic_secrets: Rotating | None = None,
        *,
        public: bool = True,
    ) -> None:
        self._database = database
        self._documents = documents
        self._dynamic_secrets = dynamic_secrets
        self._public = public

    async def find(self, client_id: str) -> Client:
        """A client, to be shown to a person. Raises OAuthError."""
        client = await (self._read(client_id) if client_id.startswith(DOCUMENT) else self.known(client_id))
        if not self.lets_in(client):
            raise OAuthError(
                UNAUTHORIZED_CLIENT,
                "This hub lets in only clients that can prove who they are, with a secret or with keys.",
            )
        return client

    def lets_in(self, client: Client) -> bool:
        """Whether a client may come here at all."""
        return self._public or client.is_confidential

    async def known(self, client_id: str) -> Client:
        """A client that comes for tokens: nothing is fetched for it, since all it may have was granted before. Raises
        OAuthError, the same for all."""
        if not client_id or len(client_id) > MAX_CLIENT_ID or not (client_id.isascii() and client_id.isprintable()):
            raise invalid_client()
        if client_id.startswith(DOCUMENT) and self._documents is not None:
            return Client(client_id, "", (), "document")
        if client_id.startswith(dynamic.PREFIX):
            return self._registered_itself(client_id)
        async with self._database.system(write=False) as session:
            found = await session.scalar(
                select(OAuthClient)
                .join(Workspace, Workspace.id == OAuthClient.workspace_id)
                .where(OAuthClient.client_id == client_id)
                .where(OAuthClient.status == "active", Workspace.status == "active")
            )
        if found is None:
            raise invalid_client()
        return of_row(found)

    async def with_keys(self, client: Client) -> Client:
        """A client that shows an assertion, with the keys that its document has now. The document is fetched only where
        somebody granted the client something: nobody makes this hub fetch what no person here has agreed to. Raises
        OAuthError."""
        if client.source != "document":
            return client
        granted = select(OAuthGrant.id).where(OAuthGrant.client_id == client.client_id, OAuthGrant.revoked_at.is_(None))
        async with self._database.system(write=False) as session:
            known = await session.scalar(granted.limit(1))
        if known is None:
            raise invalid_client()
        try:
            return await self._read(client.client_id)
        except OAuthError:
            raise invalid_client() from None

    async def _read(self, url: str) -> Client:
        if self._documents is None:
            raise OAuthError(
                UNAUTHORIZED_CLIENT,
                "This hub fetches no documents about clients: the program has to register itself, or an admin does.",
            )
        return await self._documents.read(url)

    def _registered_itself(self, client_id: str) -> Client:
        if self._dynamic_secrets is None:
            raise invalid_client()
        try:
            name, redirect_uris = dynamic.unseal(client_id, self._dynamic_secrets())
        except ValueError:
            raise invalid_client() from None
        return Client(client_id, name, redirect_uris, "dynamic")


def of_row(row: OAuthClient) -> Client:
    """A client that an admin registered."""
    return Client(
        client_id=row.client_id,
        name=row.name,
        redirect_uris=tuple(row.redirect_uris),
        source="registered",
        workspace_id=row.workspace_id,
        row_id=row.id,
        secret_digest=row.secret_digest,
        jwks=row.jwks,
        agent_id=row.agent_id,
    )
