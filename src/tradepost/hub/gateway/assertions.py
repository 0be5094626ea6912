"""Signed statements about the caller of one request, for servers that want to verify who calls and not merely be told.

A statement is for one server, lasts a minute, and names the request as the audit does. It is no credential of the
caller: it says who called, nothing more.
"""

from collections.abc import Callable
from typing import Any

from joserfc import jwt

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.ids import handle
from tradepost.hub.vault.assertion_keys import ALGORITHM, LIFETIME, AssertionKeys, SigningKey

TYPE = "tradepost-caller+jwt"  # so that none is ever taken for another kind of token (RFC 8725, 3.11)


class Assertions:
    """Makes them in the name of `issuer`, the URL of this hub."""

    def __init__(self, keys: AssertionKeys, issuer: str, now: Now = system_now) -> None:
        self._keys = keys
        self._issuer = issuer
        self._now = now

    async def maker(self, caller: Caller, audience: str, tool: str | None) -> Callable[[], str]:
        """What makes one for each request of a call. Raises Unavailable where no key can be had."""
        key = await self._keys.signing(caller.workspace_id)
        said = {
            "iss": self._issuer,
            "aud": audience,
            "sub": caller.principal.id,
            "sub_kind": caller.principal.kind,
            "workspace": caller.workspace_id,
            "agent": caller.agent_id,
            "profile": caller.profile_id,
            "user": caller.user_id,
            "request_id": caller.request_id,
            "tool": tool,
        }
        known = {name: value for name, value in said.items() if value is not None}
        return lambda: self._signed(key, known)

    def _signed(self, key: SigningKey, said: dict[str, Any]) -> str:
        now = int(self._now().timestamp())
        times = {"iat": now, "exp": now + int(LIFETIME.total_seconds()), "jti": handle("ca")}
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}, {**said, **times}, key.key)
