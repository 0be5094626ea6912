"""The hub as conversations with agents need it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import ceil
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.build import Agents, Conversations, Desk, build_conversations, build_desk
from tradepost.agents.conversations.ports import Cleaning, CustomerLimits, Named
from tradepost.agents.setups.models import AgentSetup
from tradepost.database.engine import Database
from tradepost.database.windows import Ask
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
from tradepost.hub.limits.meter import DAY_SECONDS
from tradepost.hub.limits.quotas import read_quotas
from tradepost.hub.limits.shares import Shares
from tradepost.hub.registry.watch import RegistryWatch
from tradepost.protocol.updates import Updates

CLEANING = Cleaning(without_secrets, without_personal_data, kind_of)
_ENDED = tuple(sorted(FINISHED | REFUSED))
_OUTCOMES = {
    "succeeded": "The shop has agreed, and it is done.",
    "rejected": "The shop has not agreed to this, so nothing has changed.",
    "expired": "Nobody of the shop decided in time, so nothing has changed. Please ask again, or ask for a person.",
}


class HubForConversations:
    """Satisfies agents.conversations.ports.Hub."""

    def __init__(self, database: Database, standings: Standings, shares: Shares | None = None) -> None:
        self._database = database
        self._standings = standings
        self._shares = shares or Shares(database)

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

    async def for_customers(self, session: AsyncSession, by: Caller) -> Named:
        """See Hub. Of several, the first by its short name."""
        active = Agent.profile_id == by.profile_id, Agent.status == "active"
        helping = select(Agent).join(AgentSetup, (AgentSetup.id == Agent.id) & (AgentSetup.role == "shopper"))
        for statement in (helping, select(Agent)):  # one that was never set up is one for customers in such a profile
            found = await session.scalar(statement.where(*active).order_by(Agent.slug).limit(1))
            if found is not None:
                return Named(found.id, found.slug)
        raise _nobody_answers()

    async def require_on(self, session: AsyncSession, agent_id: str) -> None:
        """See Hub."""
        if await session.scalar(select(Agent.status).where(Agent.id == agent_id)) != "active":
            raise _nobody_answers()

    async def confirm_now(self, caller: Caller) -> None:
        """See Hub."""
        await self._standings.confirm(replace(caller, seen=None))

    async def customer_limits(self, session: AsyncSession, agent_id: str) -> CustomerLimits:
        """See Hub."""
        found = await read_quotas(session, agent_id)
        return CustomerLimits(
            per_minute=found.shopper_messages_per_minute,
            per_day=found.shopper_messages_a_day,
            characters=found.shopper_message_length,
            tokens=found.shopper_conversation_tokens,
        )

    async def count(self, workspace_id: str, what: str, seconds: int, limit: int) -> float | None:
        """See Hub. Each is counted in the database: customers write seldom, and the limit is exact."""
        asked = Ask(workspace_id, what, seconds * 1_000, limit, 1, aligned=seconds >= DAY_SECONDS)
        share = await self._shares.ask(asked)
        return None if share.given else max(1.0, ceil(share.rest_ms / 1_000))

    async def outcome(self, by: Caller, approval_id: str) -> str:
        """See Hub."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            state = await session.scalar(select(Action.state).where(Action.id == approval_id))
        return _OUTCOMES.get(str(state), "What you asked for came to nothing. Please ask again, or ask for a person.")

    def note(
        self, session: AsyncSession, by: Caller, tag: str, subject: str, details: Mapping[str, Any] | None = None
    ) -> None:
        """See Hub."""
        note(session, by, tag, subject, details)

    def publish(self, session: AsyncSession, by: Caller, tag: str, subject: str) -> None:
        """See Hub."""
        publish(session, by.workspace_id, tag, subject, actor=by.principal.id, request_id=by.request_id)


def _nobody_answers() -> StateConflict:
    return StateConflict("The chat is closed just now.", hint="Try again later, or reach the shop another way.")


def desk_of(database: Database) -> Desk:
    """What people do with conversations, for a command: nothing is answered without a hub that serves."""
    return build_desk(database, HubForConversations(database, Standings(database, RegistryWatch(database))), CLEANING)


def join_conversations(database: Database, gateway: BuiltGateway, updates: Updates, agents: Agents) -> Conversations:
    """Conversations with agents, whose turns this process runs."""
    return build_conversations(
        database,
        HubForConversations(database, gateway.pipeline.parts.standings, gateway.pipeline.parts.pace.shares),
        CLEANING,
        agents=agents,
        door=gateway.door,
        updates=updates,
    )
