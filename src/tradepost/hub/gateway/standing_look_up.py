"""What the database says of a caller: one statement for whatever vouches for it, and the rules of who may still act."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.lookups import Lookup
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import Unauthenticated
from tradepost.hub.access.field_rules import FieldRules, rules_for
from tradepost.hub.access.models import Agent, ApiKey, Posture, Profile, ShopperSession, User, Workspace
from tradepost.hub.access.oauth.models import OAuthClient, OAuthGrant
from tradepost.hub.access.oauth.scopes import for_role


class _Row(NamedTuple):
    """What _ALL selects, in its order. Whoever is not named, or not there, is None."""

    workspace: str | None
    workspace_slug: str | None
    key: str | None
    key_revoked_at: datetime | None
    key_expires_at: datetime | None
    key_scopes: list[str] | None
    shopper: str | None
    shopper_revoked_at: datetime | None
    shopper_expires_at: datetime | None
    grant: str | None
    grant_revoked_at: datetime | None
    client: str | None
    user: str | None
    role: str | None
    agent: str | None
    agent_slug: str | None
    agent_scopes: list[str] | None
    posture: Posture | None
    profile_slug: str | None
    fields: dict[str, Any] | None


_NOTHING = _Row(*(None,) * len(_Row._fields))

_ALL = Lookup(
    select(
        Workspace.status,
        Workspace.slug,
        ApiKey.id,
        ApiKey.revoked_at,
        ApiKey.expires_at,
        ApiKey.scopes,
        ShopperSession.id,
        ShopperSession.revoked_at,
        ShopperSession.expires_at,
        OAuthGrant.id,
        OAuthGrant.revoked_at,
        OAuthClient.status,
        User.status,
        User.role,
        Agent.status,
        Agent.slug,
        Agent.scopes,
        Profile.posture,
        Profile.slug,
        Profile.fields,
    )
    .select_from(Workspace)
    .outerjoin(ApiKey, and_(ApiKey.workspace_id == Workspace.workspace_id, ApiKey.id == bindparam("key")))
    .outerjoin(
        ShopperSession,
        and_(ShopperSession.workspace_id == Workspace.workspace_id, ShopperSession.id == bindparam("shopper")),
    )
    .outerjoin(OAuthGrant, and_(OAuthGrant.workspace_id == Workspace.workspace_id, OAuthGrant.id == bindparam("grant")))
    .outerjoin(
        OAuthClient,
        and_(OAuthClient.workspace_id == OAuthGrant.workspace_id, OAuthClient.client_id == OAuthGrant.client_id),
    )
    .outerjoin(User, and_(User.workspace_id == Workspace.workspace_id, User.id == bindparam("user")))
    .outerjoin(Agent, and_(Agent.workspace_id == Workspace.workspace_id, Agent.id == bindparam("agent")))
    .outerjoin(
        Profile,
        and_(
            Profile.workspace_id == Workspace.workspace_id,
            Profile.id == func.coalesce(Agent.profile_id, bindparam("profile")),
        ),
    )
    .where(Workspace.id == bindparam("workspace")),
    first="one",
)


class Found(NamedTuple):
    """What holds for a caller who may still act."""

    posture: Posture | None
    scopes: frozenset[str]
    expires_at: datetime | None
    workspace_slug: str | None
    agent_slug: str | None
    role: str | None
    fields: FieldRules | None


async def look_up(session: AsyncSession, caller: Caller) -> Found:
    """What holds for a caller now; whether its credential is over by now is for others to compare. Raises
    Unauthenticated for one who may not act any more."""
    kind, principal_id = caller.principal.kind, caller.principal.id
    is_key = caller.grant is None and kind in ("agent_key", "api_key")
    named = {
        "workspace": caller.workspace_id,
        "key": principal_id if is_key else "",
        "shopper": principal_id if kind == "shopper" else "",
        "grant": caller.grant.id if caller.grant is not None else "",
        "user": caller.user_id or "",
        "agent": caller.agent_id or "",
        "profile": caller.profile_id or "",
    }
    rows = await _ALL.rows(session, named)
    row = _Row(*rows[0]) if rows else _NOTHING
    reason = _credential_fault(caller, row, is_key=is_key) or _holder_fault(caller, row)
    if reason is not None:
        raise refused(reason)
    expires_at = row.shopper_expires_at if kind == "shopper" else row.key_expires_at
    fields = rules_for(row.profile_slug or "", row.fields, row.role)
    return Found(row.posture, _scopes(caller, row), expires_at, row.workspace_slug, row.agent_slug, row.role, fields)


def refused(why: str) -> Unauthenticated:
    """The error for a caller who may not act any more."""
    return Unauthenticated(f"This caller may not act any more: {why}.", hint="Ask an admin of the workspace.")


def _credential_fault(caller: Caller, row: _Row, *, is_key: bool) -> str | None:
    if row.workspace != "active":
        return "its workspace is not active"
    if is_key and (row.key is None or row.key_revoked_at is not None):
        return "its key was revoked"
    if caller.principal.kind == "shopper" and (row.shopper is None or row.shopper_revoked_at is not None):
        return "its session was revoked"
    if caller.grant is not None and (row.grant is None or row.grant_revoked_at is not None or row.client == "disabled"):
        return "what was granted to its client was taken back"
    return None


def _holder_fault(caller: Caller, row: _Row) -> str | None:
    if caller.user_id is not None and row.user != "active":
        return "its user is not active"
    if caller.agent_id is not None and (row.agent != "active" or row.agent_scopes is None):
        return "its agent is not active"
    if caller.profile_id is not None and row.posture is None:
        return "its profile is gone"
    if caller.principal.kind == "shopper" and row.posture != "customer":
        return "its profile is not customer-facing any more"
    return None


def _scopes(caller: Caller, row: _Row) -> frozenset[str]:
    scopes = caller.scopes
    if row.key_scopes is not None:
        scopes &= frozenset(row.key_scopes)
    if caller.grant is not None and row.role is not None:
        scopes = for_role(scopes, row.role)
    return scopes if row.agent_scopes is None else scopes & frozenset(row.agent_scopes)
