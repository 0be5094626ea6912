"""The hub as conversations with agents need it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.build import Agents, Conversations, Desk, build_conversations, build_desk
from tradepost.agents.conversations.ports import Cleaning, Named
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.hub.access.agents import find_agent
from tradepost.hub.access.changes import note
from tradepost.hub.access.models import Agent
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.states import FINISHED, REFUSED
from tradepost.hub.audit.masking import kind_of
from tradepost.hub.audit.patterns import without_personal_data, without_secrets
from tradepost.hub.events.publish import publish
from tradepost.hub.gateway.build import BuiltGateway
from tradepost.hub.gateway.standing import Standings
from tradepost.hub.registry.watch import RegistryWatch
from tradepost.protocol.updates import Updates

CLEANING = Cleaning(without_secrets, without_personal_data, kind_of)
_ENDED = tuple(sorted(FINISHED | REFUSED))


class HubForConversations:
    """Satisfies agents.conversations.ports.Hub."""

    def __init__(self, database: Database, standings: Standings) -> None:
        self._database = database
        self._standings = standings

    async def agent(self, session: AsyncSession, by: Caller, agent: str | None) -> Named:
        """See Hub. Who comes with an agent's credential finds no other agent there."""
        if agent is None and by.agent_id is None:
            raise InvalidArgument("Which agent is this conversation with?", hint="Name one.", field="agent")
        found: Agent = await find_agent(session, agent or by.agent_id or "")
        if by.agent_id is not None and found.id != by.agent_id:
            raise NotFound(f"There is no agent '{(agent or '')[:60]}'.")
        if found.status != "active":
            raise StateConflict(f"The agent {found.slug} is switched off.", hint="An admin can switch it on again.")
        return Named(found.id, found.slug)

    async def confirm(self, caller: Caller) -> None:
        """See Hub."""
        await self._standings.confirm(replace(caller, seen=None), fresh=True)

    async def ended(self, workspace_id: str, approvals: Collection[str]) -> set[str]:
        """See Hub."""
        async with self._database.transaction(workspace_id, write=False) as session:
            ended = select(Action.id).where(Action.id.in_(list(approvals)), Action.state.in_(_ENDED))
            return set(await session.scalars(ended))

    def note(
        self, session: AsyncSession, by: Caller, tag: str, subject: str, details: Mapping[str, Any] | None = None
    ) -> None:
        """See Hub."""
        note(session, by, tag, subject, details)

    def publish(self, session: AsyncSession, by: Caller, tag: str, subject: str) -> None:
        """See Hub."""
        publish(session, by.workspace_id, tag, subject, actor=by.principal.id, request_id=by.request_id)


def desk_of(database: Database) -> Desk:
    """What people do with conversations, for a command: nothing is answered without a hub that serves."""
    return build_desk(database, HubForConversations(database, Standings(database, RegistryWatch(database))), CLEANING)


def join_conversations(database: Database, gateway: BuiltGateway, updates: Updates, agents: Agents) -> Conversations:
    """Conversations with agents, whose turns this process runs."""
    return build_conversations(
        database,
        HubForConversations(database, gateway.pipeline.parts.standings),
        CLEANING,
        agents=agents,
        door=gateway.door,
        updates=updates,
    )
