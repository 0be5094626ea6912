"""The door of the authorization server: which paths are its own, and who answers them."""

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.rotating import Rotating
from tradepost.hub.access.oauth.client_auth import ClientAuthentication
from tradepost.hub.access.oauth.clients import Clients
from tradepost.hub.access.oauth.documents import ClientDocuments
from tradepost.hub.access.oauth.resources import MCP, METADATA, Resources
from tradepost.hub.access.signed_in import SignedInPeople
from tradepost.hub.gateway.reach import DATABASE_ERRORS, away
from tradepost.identity.oauth import metadata
from tradepost.identity.oauth.answers import json_answer
from tradepost.identity.oauth.authorizing import Authorizing
from tradepost.identity.oauth.fetching import DocumentFetcher
from tradepost.identity.oauth.tokens import Tokens

SERVER_METADATA = "/.well-known/oauth-authorization-server"
SECONDS_KEPT = 300

_WELL_KNOWN = (SERVER_METADATA, METADATA)
_BELOW = ("/oauth/", *(f"{path}/" for path in _WELL_KNOWN))

_PUBLIC = {
    "cache-control": f"public, max-age={SECONDS_KEPT}",
    "access-control-allow-origin": "*",  # nothing in them is secret, and clients in browsers need them
    "x-content-type-options": "nosniff",
}


def oauth_at(url: str) -> dict[str, str]:
    """Where the metadata of a hub at `url` is, for the document about its protocols."""
    resources = Resources(url)
    return {
        "protected_resource_metadata": resources.metadata_url(MCP),
        "authorization_server_metadata": f"{resources.origin}{SERVER_METADATA}{resources.prefix}",
    }


class OAuthDoor:
    """An ASGI application. `close` ends its connections."""

    def __init__(
        self,
        resources: Resources,
        people: Authorizing,
        programs: Tokens,
        fetcher: DocumentFetcher,
        *,
        documents: bool = True,
        public: bool = True,
    ) -> None:
        self._resources = resources
        self._server_metadata = metadata.of_server(
            resources, registration=programs.registers, documents=documents, public=public
        )
        self._fetcher = fetcher
        self._app = Starlette(
            routes=[
                Route("/oauth/authorize", people.authorize, methods=["GET"]),
                Route("/oauth/consent", people.decide, methods=["POST"]),
                Route("/oauth/token", programs.token, methods=["POST"]),
                Route("/oauth/revoke", programs.revoke, methods=["POST"]),
                Route("/oauth/introspect", programs.introspect, methods=["POST"]),
                Route("/oauth/register", programs.register, methods=["POST"]),
                Route(SERVER_METADATA, self._of_server, methods=["GET"]),
                Route(SERVER_METADATA + "/{path:path}", self._of_server, methods=["GET"]),
                Route(METADATA, self._of_resource, methods=["GET"]),
                Route(METADATA + "/{path:path}", self._of_resource, methods=["GET"]),
            ]
        )

    def owns(self, path: str) -> bool:
        """See Door."""
        return path in _WELL_KNOWN or path.startswith(_BELOW)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return  # nobody waits for an answer
        except DATABASE_ERRORS as error:
            refused = away(error)
            if refused is None:
                raise
            answer = json_answer({"error": "temporarily_unavailable", "error_description": refused.message}, 503)
            await answer(scope, receive, send)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._fetcher.close()

    async def _of_server(self, request: Request) -> Response:
        return json_answer(self._server_metadata, headers=_PUBLIC)

    async def _of_resource(self, request: Request) -> Response:
        named = request.path_params.get("path")
        path = MCP if named is None else f"/{named}".removeprefix(self._resources.prefix)
        document = metadata.of_resource(self._resources, path or MCP)
        if document is None:
            return json_answer({"error": "not_found", "error_description": "There is no such resource here."}, 404)
        return json_answer(document, headers=_PUBLIC)


def build_oauth(
    database: Database,
    people: SignedInPeople,
    fetcher: DocumentFetcher,
    url: str,
    *,
    dynamic_secrets: Rotating | None = None,
    documents: bool = True,
    public: bool = True,
    now: Now = system_now,
) -> OAuthDoor:
    """The door. `url` is the public address of the hub and the issuer; `dynamic_secrets` let clients register
    themselves; without `public` none is let in that cannot prove who it is, and so none that registered itself.
    `fetcher` fetches documents about clients, for as long as `documents` are wanted."""
    resources, dynamic_secrets = Resources(url), dynamic_secrets if public else None
    clients = Clients(database, ClientDocuments(fetcher) if documents else None, dynamic_secrets, public=public)
    proving = ClientAuthentication(database, clients, frozenset({url, f"{url}/oauth/token"}), now)
    authorizing = Authorizing(database, people, clients, resources, now)
    tokens = Tokens(database, proving, resources, now, dynamic_secrets)
    return OAuthDoor(resources, authorizing, tokens, fetcher, documents=documents, public=public)
