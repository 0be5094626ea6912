"""What the commands about knowledge work with: the shop's store, and the hub's audit beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.cli.session import opened
from tradepost.commerce.flows.knowledge import entries
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.touched import telling
from tradepost.hub.access.models import Role
from tradepost.hub.access.roles import require_role


@asynccontextmanager
async def reading(data: Path | None, workspace: str | None, by: str | None) -> AsyncIterator[AsyncSession]:
    """A session of the store that cannot write, for who has the role viewer. Raises ForbiddenScope."""
    async with opened(data) as found:
        caller = await found.acting(workspace, by)
        async with found.hub.transaction(caller.workspace_id, write=False) as hub:
            await require_role(hub, caller, "viewer")
        async with found.store.transaction(caller.workspace_id, write=False) as session:
            yield session


@asynccontextmanager
async def writing(
    data: Path | None, workspace: str | None, by: str | None, least: Role
) -> AsyncIterator[tuple[Store, AsyncSession]]:
    """A unit of work on the store, and the session of the hub that its audit row goes into. Raises ForbiddenScope."""
    async with opened(data) as found:
        caller = await found.acting(workspace, by)
        async with found.hub.transaction(caller.workspace_id, write=True) as hub:
            await require_role(hub, caller, least)
            async with found.store.transaction(caller.workspace_id, write=True) as session:
                store = await entries.knowledge_store(session, caller)
                async with telling(store):
                    yield store, hub
