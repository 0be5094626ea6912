"""The kinds of secrets managers: how each is asked for one value."""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import orjson

from tradepost.foundation.clock import Now
from tradepost.hub.vault.managers.asking import Answered, Asker
from tradepost.hub.vault.managers.aws_signing import AwsCredential, signed
from tradepost.hub.vault.managers.references import Reference

_JSON = {"content-type": "application/json"}
EARLIER_SECONDS = 30.0  # a token is replaced before it ends
_REFUSED = (401, 403)
_KIND = re.compile(r"[A-Za-z]{1,60}$")  # of an error of AWS, which may stand behind a namespace


class Manager(Protocol):
    """One that the operator set up."""

    asker: Asker

    async def read(self, reference: Reference) -> str:
        """The secret. Raises Unavailable, which holds nothing of an answer."""
        ...


class Login:
    """A token that is had by logging in, until it ends or is refused; one login at a time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._token = ""
        self._until = 0.0
        self._turn = asyncio.Lock()

    async def token(self, manager: "ByToken", refused: str) -> str:
        """The token, another one than that which was refused."""
        async with self._turn:
            if not self._token or self._token == refused or self._clock() >= self._until:
                self._token, seconds = await manager.log_in()
                self._until = self._clock() + max(0.0, seconds - EARLIER_SECONDS)
            return self._token


class ByToken(ABC):
    """A manager that is logged in to; a token that is refused is replaced once."""

    def __init__(self, asker: Asker, clock: Callable[[], float]) -> None:
        self.asker = asker
        self._login = Login(clock)

    @abstractmethod
    async def log_in(self) -> tuple[str, float]:
        """A fresh token, and the seconds that it lasts."""

    async def _get(self, target: str, header: str, before: str = "", also: dict[str, str] | None = None) -> Answered:
        token = await self._login.token(self, "")
        answer = await self.asker.ask("GET", target, {header: before + token, **(also or {})})
        if answer.status in _REFUSED:
            token = await self._login.token(self, token)
            answer = await self.asker.ask("GET", target, {header: before + token, **(also or {})})
        return answer

    def _token_in(self, answer: Answered, seconds: Any, *path: str) -> tuple[str, float]:
        token = answer.at(*path)
        if answer.status != 200 or not isinstance(token, str) or not token:
            raise self.asker.failed(f"did not let the hub log in (status {answer.status})")
        return token, float(seconds) if isinstance(seconds, int | float) and seconds > 0 else 3600.0


class Infisical(ByToken):
    """secret://NAME/PROJECT/ENVIRONMENT/FOLDERS#SECRET, by universal auth."""

    def __init__(self, asker: Asker, client_id: str, client_secret: str, clock: Callable[[], float]) -> None:
        super().__init__(asker, clock)
        self._body = orjson.dumps({"clientId": client_id, "clientSecret": client_secret})

    async def log_in(self) -> tuple[str, float]:
        answer = await self.asker.ask("POST", "/api/v1/auth/universal-auth/login", _JSON, self._body)
        return self._token_in(answer, answer.at("expiresIn"), "accessToken")

    async def read(self, reference: Reference) -> str:
        if len(reference.path) < 2 or reference.key is None:
            raise self.asker.failed("needs a project, an environment and, after #, the secret's name")
        project, environment, *folders = reference.path
        where = {"environment": environment, "secretPath": "/" + "/".join(folders)}
        name = quote(reference.key, safe="")
        answer = await self._by_bearer(f"/api/v4/secrets/{name}?{urlencode({'projectId': project, **where})}")
        if answer.status == 404:  # an instance that is older has the same under another address
            answer = await self._by_bearer(f"/api/v3/secrets/raw/{name}?{urlencode({'workspaceId': project, **where})}")
        return _text(self.asker, answer, answer.at("secret", "secretValue"))

    async def _by_bearer(self, target: str) -> Answered:
        return await self._get(target, "authorization", "Bearer ")


class HashicorpVault(ByToken):
    """secret://NAME/MOUNT/PATH#FIELD of a KV store of version 2, in HashiCorp Vault or OpenBao, by AppRole or token."""

    def __init__(
        self,
        asker: Asker,
        clock: Callable[[], float],
        *,
        token: str | None,
        role_id: str,
        secret_id: str,
        auth_mount: str,
        namespace: str | None,
    ) -> None:
        super().__init__(asker, clock)
        self._given = token
        self._auth_mount = auth_mount
        self._body = orjson.dumps({"role_id": role_id, "secret_id": secret_id})
        self._also = {"x-vault-namespace": namespace} if namespace else {}

    async def log_in(self) -> tuple[str, float]:
        if self._given is not None:
            return self._given, 3600.0
        target = f"/v1/auth/{quote(self._auth_mount)}/login"
        answer = await self.asker.ask("POST", target, {**_JSON, **self._also}, self._body)
        return self._token_in(answer, answer.at("auth", "lease_duration"), "auth", "client_token")

    async def read(self, reference: Reference) -> str:
        if len(reference.path) < 2 or reference.key is None:
            raise self.asker.failed("needs a mount, a path and, after #, the name of a field")
        mount, *path = reference.path
        target = f"/v1/{quote(mount)}/data/{quote('/'.join(path))}"
        answer = await self._get(target, "x-vault-token", also=self._also)
        return _text(self.asker, answer, answer.at("data", "data", reference.key))


class AwsSecretsManager:
    """secret://NAME/SECRET-NAME#FIELD of a JSON object, or without # the whole text."""

    def __init__(self, asker: Asker, host: str, region: str, credential: AwsCredential, now: Now) -> None:
        self.asker = asker
        self._host = host
        self._region = region
        self._credential = credential
        self._now: Callable[[], datetime] = now

    async def read(self, reference: Reference) -> str:
        body = orjson.dumps({"SecretId": "/".join(reference.path)})
        headers = {
            "host": self._host,
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": "secretsmanager.GetSecretValue",
        }
        sent = signed(self._credential, headers, body, self._now(), region=self._region, service="secretsmanager")
        answer = await self.asker.ask("POST", "/", sent, body)
        kind = _KIND.search(str(answer.at("__type") or ""))
        if answer.status == 400 and kind is not None and kind[0] != "ResourceNotFoundException":
            raise self.asker.failed(f"does not let the hub read it ({kind[0]})")
        text = answer.at("SecretString")
        if reference.key is None or answer.status != 200 or not isinstance(text, str):
            return _text(self.asker, answer, text)
        try:
            fields = orjson.loads(text)
        except orjson.JSONDecodeError:
            fields = None
        return _text(self.asker, answer, fields.get(reference.key) if isinstance(fields, dict) else None)


def _text(asker: Asker, answer: Answered, found: Any) -> str:
    """The value of an answer."""
    if answer.status in (400, 404) or (answer.status == 200 and found is None):
        raise asker.failed(f"has no such secret (status {answer.status})")
    if answer.status in _REFUSED:
        raise asker.failed(f"does not let the hub read it (status {answer.status})")
    if answer.status != 200:
        raise asker.failed(f"answered with the status {answer.status}")
    if not isinstance(found, str) or not found:
        raise asker.failed("has something else than a text there")
    return found
