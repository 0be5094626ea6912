"""Where a server is reached now, for whoever goes on listening to it while the registry changes."""

from sqlalchemy import select

from tradepost.database.engine import Database
from tradepost.hub.registry.models import Server


async def whereabouts(database: Database, workspace_id: str, server_id: str) -> tuple[str, int] | None:
    """The URL of a server that is not bundled and the version of its credential; None for one that is disabled or
    gone."""
    async with database.transaction(workspace_id, write=False, quick=True) as session:
        found = await session.execute(
            select(Server.url, Server.credential_version).where(
                Server.id == server_id, Server.status != "disabled", Server.kind == "remote"
            )
        )
        row = found.one_or_none()
    return None if row is None or row.url is None else (row.url, row.credential_version)
