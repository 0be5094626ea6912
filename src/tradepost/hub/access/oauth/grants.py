"""Grants: what clients may do for people. Revoking one ends all of its tokens on the next call."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import NotFound
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.oauth.models import OAuthApproval, OAuthGrant
from tradepost.hub.access.roles import require_role


async def list_grants(session: AsyncSession, *, user_id: str | None = None, active: bool = True) -> list[OAuthGrant]:
    """The grants of a workspace or of one user, the oldest first; all that ever were with `active=False`."""
    chosen = select(OAuthGrant).order_by(OAuthGrant.created_at, OAuthGrant.id)
    if user_id is not None:
        chosen = chosen.where(OAuthGrant.user_id == user_id)
    if active:
        chosen = chosen.where(OAuthGrant.revoked_at.is_(None))
    return list(await session.scalars(chosen))


async def find_grant(session: AsyncSession, grant_id: str) -> OAuthGrant:
    """A grant. Raises NotFound."""
    grant = await session.scalar(select(OAuthGrant).where(OAuthGrant.id == grant_id))
    if grant is None:
        raise _unknown(grant_id)
    return grant


async def revoke_grant(session: AsyncSession, by: Caller, grant_id: str, now: Now = system_now) -> OAuthGrant:
    """End a grant: one's own, or anybody's as an admin. Twice is the same as once."""
    grant = await session.scalar(select(OAuthGrant).where(OAuthGrant.id == grant_id))
    is_own = by.agent_id is None and by.user_id is not None and grant is not None and grant.user_id == by.user_id
    await require_role(session, by, "viewer" if is_own else "admin")
    if grant is None:
        raise _unknown(grant_id)
    await end_grant(session, by, grant, "asked for", now)
    await _forget_approval(session, grant)
    return grant


async def end_grant(session: AsyncSession, by: Caller, grant: OAuthGrant, why: str, now: Now) -> None:
    """End a grant without asking who may."""
    if grant.revoked_at is None:
        grant.revoked_at = now()
        details = {"client": grant.client_id[:200], "user": grant.user_id, "why": why}
        await record_change(session, by, "oauth_grant:revoked", grant.id, details)


def _unknown(grant_id: str) -> NotFound:
    return NotFound(f"There is no grant '{grant_id[:60]}'.", hint="Run `tradepost oauth-grant list`.")


async def _forget_approval(session: AsyncSession, grant: OAuthGrant) -> None:
    """Whoever takes a grant back is asked before the client gets another."""
    approval = await session.scalar(
        select(OAuthApproval).where(
            OAuthApproval.user_id == grant.user_id,
            OAuthApproval.client_id == grant.client_id,
            OAuthApproval.resource == grant.resource,
        )
    )
    if approval is not None:
        await session.delete(approval)
