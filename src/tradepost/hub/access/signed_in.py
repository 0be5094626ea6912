"""A person who has signed in with a browser, as the pages see them. What a browser holds is never an MCP credential."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tradepost.foundation.caller import Caller, Principal
from tradepost.hub.access.models import Role


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One person in one workspace, for as long as their session lasts.

    `form_token` stands in every form of the session and is compared in constant time when one comes back;
    `signed_in_at` is when they last proved who they are, `second_factor` whether with two factors.
    """

    session_id: str
    workspace_id: str
    user_id: str
    email: str
    name: str
    role: Role
    form_token: str
    signed_in_at: datetime
    second_factor: bool

    def caller(self, request_id: str) -> Caller:
        """The person as the caller of one request. A role is looked up anew by whatever is asked for."""
        return Caller(self.workspace_id, Principal("user", self.user_id), request_id, user_id=self.user_id)


class SignedInPeople(Protocol):
    """Who knows the people that have signed in."""

    async def of(self, headers: Mapping[str, str]) -> SignedIn | None:
        """The person behind a request's headers (lower case names; the cookie is among them), None for nobody: no
        cookie, an unknown, ended or expired session, a person or workspace that is not active any more."""
        ...

    def sign_in_path(self, back_to: str) -> str:
        """Where a browser goes to sign in, and from there back to a path of this very hub."""
        ...
