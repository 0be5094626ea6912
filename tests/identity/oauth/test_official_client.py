"""The official SDK's OAuth client, from a bare URL to a call, in both eras and every way of being known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import ECKey
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.hub.gateway.world import Facts
from tests.identity.oauth.documents import documents_host
from tests.identity.oauth.world import Browser, Hub, Shown, running

REDIRECT = "http://127.0.0.1:5199/callback"
MODES = ("legacy", "auto")


class Storage:
    """What a client keeps."""

    def __init__(self, client: OAuthClientInformationFull | None = None) -> None:
        self.client = client
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Person:
    """Plays the browser that the client opens: the person reads the page and allows what is asked."""

    def __init__(self, browser: Browser, access: str = "change") -> None:
        self.browser = browser
        self.access = access
        self.pages: list[str] = []
        self._back: dict[str, list[str]] = {}

    async def opens(self, url: str) -> None:
        answer = await self.browser.hub.http.get(url, headers=self.browser.headers)
        self.pages.append(answer.text)
        decided = await self.browser.decide(Shown(answer), access=self.access)
        self._back = parse_qs(urlsplit(decided.headers["location"]).query)

    async def comes_back(self) -> AuthorizationCodeResult:
        back = {name: values[0] for name, values in self._back.items()}
        return AuthorizationCodeResult(code=back["code"], state=back["state"], iss=back["iss"])


def provider(hub: Hub, person: Person, storage: Storage, path: str = "/mcp", **options: Any) -> OAuthClientProvider:
    return OAuthClientProvider(
        f"{hub.url}{path}",
        OAuthClientMetadata(redirect_uris=[REDIRECT], client_name="SDK client"),  # type: ignore[list-item]
        storage,
        redirect_handler=person.opens,
        callback_handler=person.comes_back,
        **options,
    )


@asynccontextmanager
async def connected(hub: Hub, auth: httpx2.Auth, mode: str, path: str = "/mcp") -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(auth=auth, timeout=60) as http,
        Client(streamable_http_client(url=f"{hub.url}{path}", http_client=http), mode=mode) as client,
    ):
        yield client


async def stock(client: Client) -> Any:
    return (await client.call_tool("get_stock", {"sku": "A1"})).structured_content


def registered(client_id: str, secret: str | None = None) -> OAuthClientInformationFull:
    how = "none" if secret is None else "client_secret_post"
    return OAuthClientInformationFull(
        client_id=client_id,
        client_secret=secret,
        redirect_uris=[REDIRECT],  # type: ignore[list-item]
        token_endpoint_auth_method=how,
    )


@pytest.mark.parametrize(
    ("path", "mode"), [("/mcp", "legacy"), ("/mcp", "auto"), ("/api/mcp", "auto"), ("/mcp/servers/shop", "legacy")]
)
async def test_a_registered_client(hub: Hub, browser: Browser, path: str, mode: str):
    made = await hub.client(redirect_uris=["http://127.0.0.1/callback"])
    person, storage = Person(browser), Storage(registered(made.client_id))
    async with connected(hub, provider(hub, person, storage, path), mode, path) as client:
        assert (await stock(client))["quantity"] == 5
    assert len(person.pages) == 1
    assert storage.tokens is not None
    assert storage.tokens.refresh_token


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_with_a_metadata_document(facts: Facts, tmp_path: Path, mode: str):
    async with documents_host(tmp_path) as host, running(facts, documents=host.pool()) as hub:
        url = host.put(redirect_uris=["http://127.0.0.1/callback"], client_name="Desk with a document")
        person, storage = Person(await hub.browser()), Storage()
        async with connected(hub, provider(hub, person, storage, client_metadata_url=url), mode) as client:
            assert (await stock(client))["quantity"] == 5
        assert storage.client is not None
        assert storage.client.client_id == url
        assert "Desk with a document" in person.pages[0]


async def test_a_client_that_registers_itself(facts: Facts):
    async with running(facts, registration=True) as hub:
        person, storage = Person(await hub.browser()), Storage()
        async with connected(hub, provider(hub, person, storage), "auto") as client:
            assert (await stock(client))["quantity"] == 5
        assert "SDK client" in person.pages[0]


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_asks_for_more_when_a_call_needs_it(hub: Hub, browser: Browser, mode: str):
    """security.md R8: it looks first; the write is refused with 403, the person allows that, the call is made again."""
    made = await hub.client(redirect_uris=["http://127.0.0.1/callback"])
    person, storage = Person(browser, access="look"), Storage(registered(made.client_id))
    async with connected(hub, provider(hub, person, storage), mode) as client:
        assert (await stock(client))["quantity"] == 5
        assert storage.tokens is not None
        assert storage.tokens.scope == "read:inventory"
        arguments = {"sku": "A1", "quantity": 2, "idempotency_key": "k1"}
        done = await client.call_tool("add_stock", arguments)
        assert not done.is_error, done
        assert (await stock(client))["quantity"] == 7
    assert storage.tokens.scope == "read:inventory write:inventory"
    assert len(person.pages) == 2
    assert "Change stock" in person.pages[1]


async def test_a_token_that_is_over_is_refreshed(hub: Hub, browser: Browser):
    made = await hub.client(redirect_uris=["http://127.0.0.1/callback"])
    person, storage = Person(browser), Storage(registered(made.client_id))
    auth = provider(hub, person, storage)
    async with connected(hub, auth, "auto") as client:
        assert (await stock(client))["quantity"] == 5
        first = storage.tokens
        auth.context.token_expiry_time = 1.0  # as if its time had passed
        assert (await stock(client))["quantity"] == 5
    assert storage.tokens is not None
    assert first is not None
    assert storage.tokens.access_token != first.access_token
    assert len(person.pages) == 1


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_program_on_its_own(hub: Hub, method: Any):
    made = await hub.client(redirect_uris=[], agent="supply", confidential=True)
    auth = ClientCredentialsOAuthProvider(
        f"{hub.url}/mcp", Storage(), made.client_id, made.secret or "", method, issuer=hub.url
    )
    async with connected(hub, auth, "auto") as client:
        assert (await stock(client))["quantity"] == 5


async def test_a_program_with_a_key(hub: Hub):
    key = ECKey.generate_key("P-256")
    made = await hub.client(redirect_uris=[], agent="supply", jwks={"keys": [key.as_dict(private=False)]})
    signing = SignedJWTParameters(
        issuer=made.client_id,
        subject=made.client_id,
        signing_key=key.as_pem(private=True).decode(),
        signing_algorithm="ES256",
    )
    auth = PrivateKeyJWTOAuthProvider(
        f"{hub.url}/mcp", Storage(), made.client_id, signing.create_assertion_provider(), issuer=hub.url
    )
    async with connected(hub, auth, "auto") as client:
        assert (await stock(client))["quantity"] == 5
