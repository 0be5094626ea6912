"""What every request to a server carries, also one that no caller is behind: a look at its lists, a handshake, a
stream. Constants and what names the workspace; rules about callers have nothing to say there."""

from sqlalchemy import select

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.hub.access.models import Workspace
from tradepost.hub.registry.injection import beside_of
from tradepost.hub.registry.injection_rules import Facts, stored_rules
from tradepost.hub.registry.missing_url import has_its_url, url_missing
from tradepost.hub.registry.models import Server
from tradepost.protocol.options import NOTHING_BESIDE, Beside

_NOBODY = Principal("system", "nobody")


async def ambient_of(database: Database, workspace_id: str, server_id: str) -> Beside:
    """Headers and `_meta` for all requests to a server. It changes with the version of the server's credential. Raises
    Unavailable for a server that must be sent nothing, because its secret URL is missing."""
    async with database.transaction(workspace_id, write=False, quick=True) as session:
        server = await session.scalar(select(Server).where(Server.id == server_id))
        if server is None:
            return NOTHING_BESIDE
        if not await has_its_url(session, server):
            raise url_missing(server.slug)
        settings = server.settings
        rules = tuple(rule for rule in stored_rules(settings or {}) if rule.is_ambient and rule.target != "argument")
        if not rules:
            return NOTHING_BESIDE
        slug = await session.scalar(select(Workspace.slug).where(Workspace.id == workspace_id))
    return beside_of(rules, Facts(Caller(workspace_id, _NOBODY, ""), slug))
