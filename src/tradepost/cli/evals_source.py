"""Whose agents are evaluated: those of a workspace on this machine as they are now, or the ready-made ones."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tradepost import settings
from tradepost.cli import console
from tradepost.cli.session import Opened
from tradepost.database.engine import Database
from tradepost.database.schema import require_current
from tradepost.foundation.errors import NotFound
from tradepost.hub.access.workspaces import list_workspaces
from tradepost.starter.agents import AGENTS
from tradepost.starter.trials.agents import Brought, read_agents

READY_MADE = "ready-made"


@dataclass(frozen=True, slots=True)
class AgentsOf:
    """Agents of a workspace of this name; None are the ready-made ones."""

    name: str
    brought: Brought | None = None


async def agents_of(
    loaded: settings.Settings, workspace: str | None, wanted: set[str], *, ready_made: bool
) -> AgentsOf:
    """The agents to evaluate. Only reads. Raises NotFound for one that is nowhere, SetupError."""
    found = AgentsOf(READY_MADE)
    if not ready_made and (workspace is not None or _is_there(loaded.hub_database)):
        found = await _of_workspace(loaded, workspace) or found
    known = {agent.slug for agent in (found.brought.document.agents if found.brought else AGENTS)}
    missing = sorted(wanted - known)
    if missing and found.brought is not None and workspace is None and wanted <= {agent.slug for agent in AGENTS}:
        return AgentsOf(READY_MADE)  # a workspace without them: those that come along are meant
    if missing:
        raise NotFound(
            f"There is no agent {missing[0]} {f'in {found.name}' if found.brought else 'among those that come along'}.",
            hint=f"There are {', '.join(sorted(known)) or 'none'}. --data and --workspace say where yours are.",
        )
    if found.brought is not None and found.brought.left_out:
        console.warn(f"Tools of {', '.join(found.brought.left_out)} are left out: evals reach no server that is real.")
    return found


async def _of_workspace(loaded: settings.Settings, slug: str | None) -> AgentsOf | None:
    await asyncio.to_thread(require_current, loaded.hub_database, "hub")
    opened = Opened(loaded, Database(loaded.hub_database), Database(loaded.store_database))
    try:
        if slug is None and not await list_workspaces(opened.hub):
            return None
        row = await opened.workspace(slug)
        return AgentsOf(f"of {row.slug}", await read_agents(opened.hub, row.id))
    finally:
        await opened.hub.close()
        await opened.store.close()


def _is_there(url: str) -> bool:
    """Whether there is a database, without making one."""
    parts = make_url(url)
    return parts.get_backend_name() != "sqlite" or Path(parts.database or "").is_file()
