"""The agents of a workspace, brought into the hub of a trial: their setups, tools, policies and limits, without servers
that are not bundled. What is tried must reach nothing that is real."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from tradepost.agents.setups.models import AgentSetup
from tradepost.app import Tradepost
from tradepost.database.engine import Database
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import Agent
from tradepost.hub.access.roles import system_caller
from tradepost.hub.registration.configuration.document import Document
from tradepost.hub.registration.configuration.exporting import document_of
from tradepost.hub.registration.configuration.reading import Read
from tradepost.hub.registration.configuration.rows import read_rows

_SETUP = ("role", "instructions", "model", "fallback_model", "limits", "prompts")


@dataclass(frozen=True, slots=True)
class Brought:
    """What a workspace has: its configuration, how its agents work, and the servers that are left out."""

    document: Document
    setups: dict[str, dict[str, Any]]
    left_out: list[str] = field(default_factory=list)


async def read_agents(hub: Database, workspace_id: str) -> Brought:
    """The agents of a workspace, as they are now."""
    async with hub.transaction(workspace_id, write=False) as session:
        document = document_of(await read_rows(session))
        slugs = {row.id: row.slug for row in await session.scalars(select(Agent))}
        setups = {
            slugs[row.id]: {name: getattr(row, name) for name in _SETUP}
            for row in await session.scalars(select(AgentSetup))
            if row.id in slugs
        }
    bundled = {server.slug for server in document.servers if server.kind == "bundled"}
    kept = document.model_copy(
        update={
            "servers": [server for server in document.servers if server.slug in bundled],
            "assignments": [one for one in document.assignments if one.server in bundled],
            "policies": [one for one in document.policies if one.server is None or one.server in bundled],
        }
    )
    return Brought(kept, setups, sorted(server.slug for server in document.servers if server.slug not in bundled))


async def bring_agents(into: Tradepost, workspace_id: str, brought: Brought) -> None:
    """Make them in a workspace that has none. Raises InvalidArgument where this release lacks what they need."""
    await into.configurations.bring(system_caller(workspace_id, new_id("req")), Read(brought.document))
    async with into.hub.transaction(workspace_id, write=True) as session:
        for row in await session.scalars(select(Agent)):
            if row.slug in brought.setups:
                session.add(AgentSetup(id=row.id, **brought.setups[row.slug]))
