"""Who may use a route: people by their role, their keys by scope as well, agents only where it is said.

A person's key acts with the person's role. A key that was given scopes is narrower: it may use only the routes whose
scope it has. An agent's key has no role, and so nearly nothing here.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.api.parts import Parts
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope
from tradepost.hub.access.models import Role, User
from tradepost.hub.access.roles import require_in_some_profile, require_role
from tradepost.hub.actions.approvers import person_behind

CALLER = "tradepost.caller"  # keys of the ASGI scope
PARTS = "tradepost.parts"
ANSWER = "tradepost.answer"
KEY_TAKEN = "tradepost.idempotency_key"
RULE = "tradepost_access"  # attribute of a dependency below: its Access


@dataclass(frozen=True, slots=True)
class Work:
    """One request that was let in. `user` is the person behind it, None for an agent."""

    parts: Parts
    caller: Caller
    user: User | None = None

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A session of the caller's workspace that cannot write."""
        return self.parts.database.transaction(self.caller.workspace_id, write=False)

    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A session of the caller's workspace; commits at the end of the block."""
        return self.parts.database.transaction(self.caller.workspace_id, write=True)


@dataclass(frozen=True, slots=True)
class Access:
    """The rule of one route, as the OpenAPI document shows it: the least role, the scope that a narrowed key needs,
    whether agents may come, too, and whether the role suffices in the profile that it is about."""

    least: Role | None
    scope: str | None
    agents: bool = False
    in_profile: bool = False


def _arrived(request: Request) -> tuple[Parts, Caller]:
    return request.scope[PARTS], request.scope[CALLER]


def may(
    least: Role, scope: str, *, agents: bool = False, in_profile: bool = False
) -> Callable[[Request], Awaitable[Work]]:
    """The dependency that lets people of this role in; with `in_profile` also those who have it in any profile, and the
    service looks whether it is the right one. Raises ForbiddenScope naming the role or the scope."""

    async def allowed(request: Request) -> Work:
        parts, caller = _arrived(request)
        if caller.agent_id is not None and agents:
            return Work(parts, caller)
        async with parts.database.transaction(caller.workspace_id, write=False) as session:
            look = require_in_some_profile if in_profile else require_role
            user = await look(session, caller, least)
        if caller.scopes and scope not in caller.scopes:
            raise lacking(scope)
        return Work(parts, caller, user)

    allowed.__dict__[RULE] = Access(least, scope, agents, in_profile)
    return allowed


def may_answer(scope: str) -> Callable[[Request], Awaitable[Work]]:
    """The dependency that lets people in who may answer approvals: operators of the workspace, or of one profile.
    Raises ForbiddenScope naming the role or the scope."""

    async def allowed(request: Request) -> Work:
        parts, caller = _arrived(request)
        async with parts.database.transaction(caller.workspace_id, write=False) as session:
            user = await person_behind(session, caller)
        if caller.scopes and scope not in caller.scopes:
            raise lacking(scope)
        return Work(parts, caller, user)

    allowed.__dict__[RULE] = Access("operator", scope)
    return allowed


def admin_or_key_with(scope: str) -> Callable[[Request], Awaitable[Work]]:
    """The dependency that lets in whose key has a scope, whatever the role, and admins with keys that are not narrowed.
    Raises ForbiddenScope naming the role or the scope."""

    async def allowed(request: Request) -> Work:
        parts, caller = _arrived(request)
        if caller.agent_id is None and caller.has_scope(scope):
            return Work(parts, caller)
        async with parts.database.transaction(caller.workspace_id, write=False) as session:
            user = await require_role(session, caller, "admin")
        if caller.scopes:
            raise lacking(scope)
        return Work(parts, caller, user)

    allowed.__dict__[RULE] = Access("admin", scope)
    return allowed


def anybody() -> Callable[[Request], Awaitable[Work]]:
    """The dependency that lets everybody in who has a key."""

    async def allowed(request: Request) -> Work:
        parts, caller = _arrived(request)
        return Work(parts, caller)

    allowed.__dict__[RULE] = Access(None, None, agents=True)
    return allowed


def agents_only() -> Callable[[Request], Awaitable[Work]]:
    """The dependency that lets in who acts as an agent. Raises ForbiddenScope."""

    async def allowed(request: Request) -> Work:
        parts, caller = _arrived(request)
        if caller.agent_id is None:
            raise ForbiddenScope("This is for the credential of an agent: no role of a person counts here.")
        return Work(parts, caller)

    allowed.__dict__[RULE] = Access(None, None, agents=True)
    return allowed


def customers_only() -> Callable[[Request], Awaitable[Work]]:
    """The dependency that lets in the shop's own customers, by the session that the shop gave them. Raises
    ForbiddenScope."""

    async def allowed(request: Request) -> Work:
        parts, caller = _arrived(request)
        if caller.principal.kind != "shopper":
            raise ForbiddenScope(
                "This is for the shop's customers: no role or scope of a key counts here.",
                hint="Send the token of a shopper session.",
            )
        return Work(parts, caller)

    allowed.__dict__[RULE] = Access(None, None)
    return allowed


def with_scope(scope: str) -> Callable[[Request], Awaitable[Work]]:
    """The dependency that lets in who has a scope, whoever it is; what follows is a call of a tool. Raises
    ForbiddenScope naming it."""

    async def allowed(request: Request) -> Work:
        parts, caller = _arrived(request)
        if not caller.has_scope(scope):
            raise lacking(scope)
        return Work(parts, caller)

    allowed.__dict__[RULE] = Access(None, scope, agents=True)
    return allowed


def lacking(scope: str) -> ForbiddenScope:
    """The refusal of a key without a scope."""
    return ForbiddenScope(
        f"This needs a key with the scope {scope}.",
        hint="Use another key, or let an admin mint one that has the scope.",
        details={"scope": scope},
    )
