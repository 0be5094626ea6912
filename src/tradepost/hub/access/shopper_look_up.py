"""Who is behind a shopper's token: one look-up, by the public characters, compared by the hash of the whole."""

import hmac
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import and_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.lookups import Lookup
from tradepost.foundation.caller import Caller, Principal
from tradepost.hub.access.changes import ROW_ID
from tradepost.hub.access.models import RegistryVersion, ShopperSession, Workspace
from tradepost.hub.access.tokens import prefix_of

CUSTOMER = "customer"  # the attribute that says who a shopper is
_NO_PREFIX = "--------"  # no session has it: the look-up of a malformed token costs what any other costs
_NO_DIGEST = "0" * 64

_SESSION = Lookup(
    select(ShopperSession, Workspace.status, RegistryVersion.version)
    .join(
        Workspace,
        and_(Workspace.workspace_id == ShopperSession.workspace_id, Workspace.id == ShopperSession.workspace_id),
    )
    .join(
        RegistryVersion,
        and_(RegistryVersion.workspace_id == ShopperSession.workspace_id, RegistryVersion.id == bindparam("registry")),
    )
    .where(ShopperSession.prefix == bindparam("prefix"))
)


class FoundShopper(NamedTuple):
    """A shopper whose token is right, the version of the registry then, and when the session ends."""

    caller: Caller
    version: int
    expires_at: datetime


async def look_up_shopper(session: AsyncSession, token: str, digest: str) -> FoundShopper | None:
    """The shopper with this token; None for an unknown, wrong or revoked one, and in a workspace that is not active.
    Whether the session is over by now is for the caller to compare."""
    found = await _SESSION.rows(session, {"prefix": prefix_of("tpss", token) or _NO_PREFIX, "registry": ROW_ID})
    row, status, version = found[0] if found else (None, "", 0)
    is_same = hmac.compare_digest(digest, row.digest if row is not None else _NO_DIGEST)
    if row is None or not is_same or row.revoked_at is not None or status != "active":
        return None
    caller = Caller(
        workspace_id=row.workspace_id,
        principal=Principal("shopper", row.id),
        request_id="",
        profile_id=row.profile_id,
        scopes=frozenset(row.scopes),
        attributes=MappingProxyType({CUSTOMER: row.customer}),
    )
    return FoundShopper(caller, version, row.expires_at)
