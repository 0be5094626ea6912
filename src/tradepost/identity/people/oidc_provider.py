"""The identity provider: found by its issuer, asked with a code and a proof that only the browser's sign-in has."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from joserfc.jwk import KeySet

from tradepost.foundation.clock import Now
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, UpstreamError
from tradepost.hub.access.accounts import Identity
from tradepost.hub.access.people import checked_email, checked_name
from tradepost.identity.people.oidc_fetch import Fetch, failed
from tradepost.identity.people.oidc_token import claims_of, keys_of
from tradepost.identity.people.provider_settings import ProviderSettings

KEPT = timedelta(hours=1)
KEYS_AGAIN_AFTER = timedelta(minutes=1)
SCOPE = "openid email profile"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the provider is asked for what."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    says_issuer: bool
    by_basic: bool


@dataclass(frozen=True, slots=True)
class Said:
    """Who the provider says it is, and whether it asked for two factors."""

    identity: Identity
    two_factors: bool


class Provider:
    """One provider. What it says of itself is kept for an hour."""

    def __init__(self, settings: ProviderSettings, fetch: Fetch, callback: str, now: Now) -> None:
        self.settings = settings
        self._fetch = fetch
        self._callback = callback
        self._now = now
        self._endpoints: tuple[Endpoints, datetime] | None = None
        self._keys: tuple[KeySet, datetime] | None = None

    async def address(self, state: str, nonce: str, challenge: str) -> str:
        """Where the browser goes to sign in. Raises UpstreamError."""
        where = (await self._found()).authorization
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._callback,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"

    async def check_issuer(self, said: str | None) -> None:
        """That an answer comes from this provider and not from another one (RFC 9207). Raises UpstreamError."""
        if said != self.settings.issuer and (said is not None or (await self._found()).says_issuer):
            raise failed("the answer comes from somebody else")

    async def redeem(self, code: str, verifier: str, nonce: str) -> Said:
        """Who signed in, for a code. Raises UpstreamError, ForbiddenScope for an address that is not verified."""
        found, settings = await self._found(), self.settings
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._callback}
        form |= {"code_verifier": verifier}
        basic = None
        if found.by_basic and settings.client_secret:
            encoded = (urlencode({"": text})[1:] for text in (settings.client_id, settings.client_secret))
            basic = (next(encoded), next(encoded))
        else:
            form |= {"client_id": settings.client_id}
            form |= {"client_secret": settings.client_secret} if settings.client_secret else {}
        answer = await self._fetch.post(found.token, form, basic)
        claims = await self._verified(answer.get("id_token"), nonce)
        if "email" not in claims and found.userinfo is not None and isinstance(answer.get("access_token"), str):
            more = await self._fetch.get(found.userinfo, answer["access_token"])
            if more.get("sub") != claims["sub"]:
                raise failed("it speaks of two people")
            claims = {**more, **claims}
        return _said(settings.issuer, claims)

    async def _verified(self, token: Any, nonce: str) -> dict[str, Any]:
        """The claims of its token; with its newest keys if those at hand are not the ones."""
        known = {"issuer": self.settings.issuer, "client_id": self.settings.client_id, "nonce": nonce}
        keys, fetched_at = await self._signing_keys(KEPT)
        try:
            return claims_of(token, keys, now=self._now, **known)
        except UpstreamError:
            newest, newest_at = await self._signing_keys(KEYS_AGAIN_AFTER)
            if newest_at == fetched_at:
                raise
            return claims_of(token, newest, now=self._now, **known)

    async def _signing_keys(self, age: timedelta) -> tuple[KeySet, datetime]:
        if self._keys is None or self._now() - self._keys[1] >= age:
            document = await self._fetch.get((await self._found()).keys)
            self._keys = keys_of(document), self._now()
        return self._keys

    async def _found(self) -> Endpoints:
        if self._endpoints is None or self._now() - self._endpoints[1] >= KEPT:
            issuer = self.settings.issuer
            document = await self._fetch.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if document.get("issuer") != issuer:
                raise failed("it calls itself by another name than TRADEPOST_OIDC_ISSUER")
            self._endpoints = await self._read(document), self._now()
        return self._endpoints[0]

    async def _read(self, document: dict[str, Any]) -> Endpoints:
        named: dict[str, str | None] = {}
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
            url = document.get(name)
            if url is None and name == "userinfo_endpoint":
                named[name] = None
            elif isinstance(url, str):
                named[name] = await self._fetch.check(url)
            else:
                raise failed(f"it names no {name}")
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Endpoints(
            authorization=str(named["authorization_endpoint"]),
            token=str(named["token_endpoint"]),
            keys=str(named["jwks_uri"]),
            userinfo=named["userinfo_endpoint"],
            says_issuer=document.get("authorization_response_iss_parameter_supported") is True,
            by_basic=isinstance(methods, list) and "client_secret_basic" in methods,
        )


def _said(issuer: str, claims: dict[str, Any]) -> Said:
    email, is_verified, subject = claims.get("email"), claims.get("email_verified"), claims["sub"]
    if not isinstance(email, str) or not (is_verified is True or is_verified == "true"):
        raise ForbiddenScope(
            "Your organization does not say that it has verified your e-mail address.",
            hint="Ask its administrators to verify it, then sign in again.",
        )
    try:
        name = checked_name(str(claims.get("name") or ""))
        address = checked_email(email)
    except InvalidArgument as wrong:
        raise failed("it gave a name or an address that cannot be used") from wrong
    if not subject or len(subject) > 255 or not subject.isprintable():
        raise failed("it gave no usable name of the person")
    methods = claims.get("amr")
    return Said(Identity(issuer, subject, address, name), isinstance(methods, list) and "mfa" in methods)
