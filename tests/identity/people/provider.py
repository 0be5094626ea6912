"""An identity provider that says what a test wants it to say, on a real socket."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.identity.people.desk import Clock
from tests.protocol.conftest import served
from tradepost.identity.people.provider_settings import ProviderSettings

CLIENT, SECRET = "tradepost", "client secret of the tests"
Json = dict[str, Any]


@dataclass
class Provider:
    """What it answers can be changed in place. `asked` are the forms that came to the token endpoint."""

    clock: Clock
    issuer: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one", "use": "sig"}))
    discovered: Json = field(default_factory=dict)
    claims: Json = field(default_factory=dict)
    header: Json = field(default_factory=lambda: {"alg": "ES256", "kid": "one"})
    user: Json = field(default_factory=dict)
    sign: Callable[[Json], str] | None = None
    token_status: int = 200
    asked: list[Json] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    challenges: dict[str, tuple[str, str]] = field(default_factory=dict)

    def settings(self, **options: Any) -> ProviderSettings:
        given = {"name": "Acme ID", "domains": (), "workspace": "", **options}
        return ProviderSettings(self.issuer, CLIENT, SECRET, **given)

    def visited(self, location: str, code: str = "c1") -> Json:
        """Somebody comes with this address and signs in: what is given back to their browser."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert location.startswith(f"{self.issuer}/authorize?")
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        self.challenges[code] = (asked["code_challenge"], asked["nonce"])
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def token(self, code: str) -> str:
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "s-1", "nonce": self.challenges[code][1],
            "iat": now, "exp": now + 300, "email": "ann@acme.test", "email_verified": True, "name": "Ann Lee",
            **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.sign(claims) if self.sign is not None else jwt.encode(self.header, claims, self.key, ["ES256"])

    def answer(self, path: str, form: Json, headers: dict[str, str]) -> tuple[int, Json]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/me",
                "authorization_response_iss_parameter_supported": True,
                **self.discovered,
            }
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path == "/me":
            return (200, self.user) if headers.get("authorization") == "Bearer at" else (401, {})
        assert path == "/token", path
        self.asked.append({**form, "authorization": headers.get("authorization")})
        challenge, _ = self.challenges[form["code"]]
        made = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        assert made == challenge
        return self.token_status, {"access_token": "at", "token_type": "Bearer", "id_token": self.token(form["code"])}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.requests.append(scope["path"])
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, value = self.answer(scope["path"], form, headers)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": orjson.dumps(value)})


def unsigned(claims: Json) -> str:
    """`alg: none`."""
    parts = [base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode() for part in ({"alg": "none"}, claims)]
    return ".".join([*parts, ""])


def signed_with_the_secret(claims: Json) -> str:
    """HS256 with the client's own secret, which the provider and we both know."""
    return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(SECRET.encode()), ["HS256"])


def signed_by_another(claims: Json) -> str:
    """A key with the same name."""
    key = ECKey.generate_key("P-256", {"kid": "one"})
    return jwt.encode({"alg": "ES256", "kid": "one"}, claims, key, ["ES256"])


@asynccontextmanager
async def running(clock: Clock) -> AsyncIterator[Provider]:
    """Serve one."""
    made = Provider(clock)
    async with served(made) as url:
        made.issuer = url
        yield made
