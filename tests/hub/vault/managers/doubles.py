"""Secrets managers as doubles on a real socket: each knows its own way in, and records what reached it."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs

from tests.protocol.conftest import served

Json = dict[str, Any]
Made = TypeVar("Made", bound="Double")


@dataclass
class Double(ABC):
    """What is in it: `secrets` by what a request asks for. `tokens` are good until a test takes them away. While `down`
    every answer is 503; `gate` lets a test hold the answers back."""

    url: str = ""
    secrets: dict[str, Any] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    logins: int = 0
    answers: int = 0
    down: bool = False
    answer: tuple[int, bytes] | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = (await receive()).get("body", b"")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        self.arrived.set()
        self.answers += 1
        await self.gate.wait()
        if self.answer is not None:
            status, content = self.answer
        else:
            status, found = (503, {}) if self.down else self.answered(scope["path"], headers, query, body)
            content = json.dumps(found).encode()
        sent = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": content})

    @abstractmethod
    def answered(self, path: str, headers: Json, query: Json, body: bytes) -> tuple[int, Json]:
        """Status and content for a request."""

    def logged_in(self) -> str:
        self.logins += 1
        token = f"CANARY-token-{self.logins}"
        self.tokens = {token}
        return token


class InfisicalDouble(Double):
    """Universal auth and secrets by name. `older` knows the addresses of before alone."""

    older = False

    def answered(self, path: str, headers: Json, query: Json, body: bytes) -> tuple[int, Json]:
        if path == "/api/v1/auth/universal-auth/login":
            if json.loads(body) != {"clientId": "hub", "clientSecret": "CANARY-client-secret"}:
                return 401, {"message": "Invalid credentials"}
            return 200, {"accessToken": self.logged_in(), "expiresIn": 7200, "tokenType": "Bearer"}
        route, project = ("/api/v3/secrets/raw/", "workspaceId") if self.older else ("/api/v4/secrets/", "projectId")
        if not path.startswith(route):
            return 404, {"message": "Route not found"}
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return 401, {"message": "Token expired CANARY-of-the-manager"}
        name = f"{query[project]} {query['environment']} {query['secretPath']} {path.removeprefix(route)}"
        self.asked.append(name)
        if name not in self.secrets:
            return 404, {"message": "Secret not found"}
        return 200, {"secret": {"secretKey": "x", "secretValue": self.secrets[name], "version": 1}}


class VaultDouble(Double):
    """AppRole and KV of version 2, as HashiCorp Vault and OpenBao have them."""

    namespace: str | None = None

    def answered(self, path: str, headers: Json, query: Json, body: bytes) -> tuple[int, Json]:
        if headers.get("x-vault-namespace") != self.namespace:
            return 403, {"errors": ["permission denied"]}
        if path == "/v1/auth/approle/login":
            if json.loads(body) != {"role_id": "hub", "secret_id": "CANARY-secret-id"}:
                return 400, {"errors": ["invalid role or secret ID"]}
            return 200, {"auth": {"client_token": self.logged_in(), "lease_duration": 1200}}
        if headers.get("x-vault-token") not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        name = path.removeprefix("/v1/")
        self.asked.append(name)
        if name not in self.secrets:
            return 404, {"errors": []}
        return 200, {"data": {"data": self.secrets[name], "metadata": {"version": 3}}}


@asynccontextmanager
async def running(double: Made) -> AsyncIterator[Made]:
    """The double, served."""
    async with served(double) as base:
        double.url = base
        yield double
