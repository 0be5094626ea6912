"""A vendor on real sockets: an MCP server that wants tokens, and the strict authorization server that gives them.

What it must check, it checks, and keeps in `wrong` what it would not have taken. What it says can be changed in place.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlsplit

import orjson

from tests.hub.bundled import Bundled, tool
from tests.hub.remote import OPERATOR
from tests.protocol.conftest import served
from tradepost.foundation.clock import Now
from tradepost.protocol.builtin import ToolResult
from tradepost.protocol.standalone import sdk_server

Json = dict[str, Any]
LIFE = 300  # seconds of an access token


class Tracker(Bundled):
    """Tells whose token it was called with, and the token itself: a careless server."""

    def __init__(self) -> None:
        reads = {**tool("track", number={"type": "string"}), "annotations": {"readOnlyHint": True}}
        super().__init__(
            slug="tracker", title="Tracker", tools=[reads, tool("cancel_label", number={"type": "string"})]
        )
        self.token = ""

    async def call(self, *arguments: Any, **_options: Any) -> ToolResult:
        self.calls.append(arguments)  # type: ignore[arg-type]
        return ToolResult([{"type": "text", "text": f"you sent {self.token}"}])


@dataclass
class Vendor:
    """Both of them. `tokens` are the access tokens that work: who agreed, scopes, and when they end."""

    clock: Now
    issuer: str = ""
    url: str = ""
    tracker: Tracker = field(default_factory=Tracker)
    clients: dict[str, Json] = field(default_factory=dict)
    codes: dict[str, Json] = field(default_factory=dict)
    tokens: dict[str, tuple[str, str, datetime]] = field(default_factory=dict)
    refreshes: dict[str, Json] = field(default_factory=dict)
    of_server: Json = field(default_factory=dict)  # changes to the metadata of the authorization server
    of_resource: Json = field(default_factory=dict)
    instead: Callable[[str], tuple[int, dict[str, str], bytes] | None] = lambda _path: None
    granted: str | None = None  # scopes that are given, whatever is asked
    life: int | None = LIFE
    rotates: bool = True
    forms: list[Json] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)  # credentials that reached the MCP server
    keys: list[str | None] = field(default_factory=list)  # what came beside them, as `X-Key`
    wants_resource: bool = True  # whether tokens are given for the server alone, which has to be named
    refusal: tuple[int, str] | None = None  # of the MCP server, whoever asks

    def client(self, client_id: str, secret: str | None, method: str, *redirects: str) -> None:
        """A client that was registered by hand."""
        self.clients[client_id] = {"secret": secret, "method": method, "redirect_uris": list(redirects)}

    async def agree(self, location: str, who: str = "ann") -> dict[str, str]:
        """Somebody's browser comes with this address, and they agree: what their browser is sent back with."""
        asked = dict(parse_qsl(urlsplit(location).query, strict_parsing=True))
        assert location.startswith(f"{self.issuer}/authorize?"), location
        client = self.clients.get(asked["client_id"]) or await self._by_document(asked["client_id"])
        assert asked["redirect_uri"] in client["redirect_uris"]
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["resource"] == self.url
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "who": who}
        self.forms.append({"authorize": asked})
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    async def _by_document(self, client_id: str) -> Json:
        raise AssertionError(f"unknown client {client_id}")

    # --- the authorization server ------------------------------------------------------------------------------

    def metadata(self) -> Json:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "registration_endpoint": f"{self.issuer}/register",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": True,
            **self.of_server,
        }

    def answer(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Json]:
        if path == "/.well-known/oauth-authorization-server":
            return 200, self.metadata()
        if path == "/register":
            asked = orjson.loads(body)
            client_id = f"dyn-{len(self.clients)}"
            self.client(client_id, None, asked["token_endpoint_auth_method"], *asked["redirect_uris"])
            return 201, {**asked, "client_id": client_id}
        if path not in ("/token", "/revoke"):
            return 404, {}
        form = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
        self.forms.append({"path": path, **form})
        client_id = self._client_of(form, headers.get("authorization"))
        if client_id is None:
            self.wrong.append("client")
            return 401, {"error": "invalid_client", "error_description": f"no {form.get('client_secret')}"}
        if path == "/revoke":
            self.refreshes.pop(form["token"], None)
            return 200, {}
        return self._token(client_id, form)

    def _client_of(self, form: Json, authorization: str | None) -> str | None:
        if authorization is not None:
            decoded = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            client_id, _, secret = (unquote_plus(part) for part in decoded.partition(":"))
            method = "client_secret_basic"
        else:
            client_id, secret = form.get("client_id", ""), form.get("client_secret")
            method = "none" if secret is None else "client_secret_post"
        known = self.clients.get(client_id)
        fits = known is not None and (known["method"], known["secret"]) == (method, secret)
        return client_id if fits else None

    def _token(self, client_id: str, form: Json) -> tuple[int, Json]:
        kind, resource = form.get("grant_type"), form.get("resource")
        if self.wants_resource and resource != self.url:
            self.wrong.append(f"resource {resource}")
            return 400, {"error": "invalid_target"}
        if kind == "client_credentials":
            return 200, self._given(client_id, "itself", form.get("scope", ""), refresh=False)
        if kind == "authorization_code":
            asked = self.codes.pop(form["code"], None)
            made = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
            fits = asked is not None and (asked["client_id"], asked["redirect_uri"], asked["code_challenge"]) == (
                client_id, form["redirect_uri"], made.decode(),
            )  # fmt: skip
            if asked is None or not fits:
                self.wrong.append("code")
                return 400, {"error": "invalid_grant"}
            return 200, self._given(client_id, asked["who"], asked.get("scope", ""), refresh=True)
        known = self.refreshes.get(form.get("refresh_token", ""))
        if kind != "refresh_token" or known is None or known["client_id"] != client_id:
            self.wrong.append("refresh token")
            return 400, {"error": "invalid_grant", "error_description": f"not {form.get('refresh_token')}"}
        if self.rotates:
            del self.refreshes[form["refresh_token"]]
        return 200, self._given(client_id, known["who"], known["scope"], refresh=self.rotates)

    def _given(self, client_id: str, who: str, scope: str, *, refresh: bool) -> Json:
        access = f"access-{secrets.token_urlsafe(12)}"
        scope = scope if self.granted is None else self.granted
        ends = datetime.max.replace(tzinfo=self.clock().tzinfo)
        if self.life is not None:
            ends = datetime.fromtimestamp(self.clock().timestamp() + self.life, self.clock().tzinfo)
        self.tokens[access] = (who, scope, ends)
        answer: Json = {"access_token": access, "token_type": "Bearer", "scope": scope}
        if self.life is not None:
            answer["expires_in"] = self.life
        if refresh:
            token = f"refresh-{secrets.token_urlsafe(12)}"
            self.refreshes[token] = {"client_id": client_id, "who": who, "scope": scope}
            answer["refresh_token"] = token
        return answer

    # --- the MCP server ----------------------------------------------------------------------------------------

    def lets_in(self, authorization: str | None) -> str | None:
        """Who it is, by their token."""
        known = self.tokens.get((authorization or "").removeprefix("Bearer "))
        return known[0] if known is not None and known[2] > self.clock() else None

    def resource(self) -> Json:
        return {
            "resource": self.url,
            "authorization_servers": [self.issuer],
            "scopes_supported": ["read"],
            **self.of_resource,
        }

    def count(self, grant: str) -> int:
        """How many requests for tokens of this kind there were."""
        return sum(form.get("grant_type") == grant for form in self.forms)


Answer = tuple[int, dict[str, str], bytes]


async def _send(send: Any, answer: Answer) -> None:
    status, headers, body = answer
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def running(clock: Now, tracker: Tracker | None = None, behind: Any = None) -> AsyncIterator[Vendor]:
    """Serve both. `behind` is another application to be let in to than the tracker."""
    vendor = Vendor(clock, tracker=tracker or Tracker())
    mcp = behind or sdk_server(vendor.tracker, OPERATOR).streamable_http_app(json_response=True)
    json = {"content-type": "application/json"}

    async def authorization(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        odd = vendor.instead(scope["path"])
        if odd is None:
            status, value = vendor.answer(scope["path"], body, headers)
            odd = status, json, orjson.dumps(value)
        await _send(send, odd)

    async def server(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            origin = vendor.url.removesuffix("/mcp")
            if scope["path"].startswith("/.well-known/oauth-protected-resource"):
                await _send(send, (200, json, orjson.dumps(vendor.resource())))
                return
            vendor.seen.append(headers.get("authorization", ""))
            vendor.keys.append(headers.get("x-key"))
            challenge = f'Bearer resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp", scope="read"'
            if vendor.refusal is not None:
                await _send(send, (vendor.refusal[0], {"www-authenticate": vendor.refusal[1]}, b""))
                return
            if vendor.lets_in(headers.get("authorization")) is None:
                await _send(send, (401, {"www-authenticate": challenge}, b""))
                return
            vendor.tracker.token = headers["authorization"]
        await mcp(scope, receive, send)

    async with served(authorization) as vendor.issuer, served(server) as base:
        vendor.url = f"{base}/mcp"
        yield vendor
