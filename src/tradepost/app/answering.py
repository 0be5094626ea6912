"""The hub as agents that answer need it: who they are when they call tools, where they are listed, and the runtime."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.build import Agents
from tradepost.agents.ports import Callers, Directory, Recorder, ToolDoor, Turn, TurnEnd
from tradepost.agents.setups.models import PLANNER, AgentSetup
from tradepost.api.agent_directory import HubDirectory
from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup, Record
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import ForbiddenScope, StateConflict, Unauthenticated
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import no_agent
from tradepost.hub.access.models import Agent, Profile, User
from tradepost.hub.access.oauth.access_tokens import attributes_of
from tradepost.hub.access.oauth.scopes import for_role
from tradepost.hub.upstreams.guard import Guard

# Asked with every message that is answered: made once.
_AGENT = Lookup(select(Agent).where(or_(Agent.slug == bindparam("agent"), Agent.id == bindparam("agent"))))
_USER = Lookup(select(User).where(User.id == bindparam("id"), User.status == "active"))
_RUNTIME = "tradepost.agents.answering.build"  # with it comes Pydantic AI, which takes most of a second to load


class HubCallers:
    """Satisfies Callers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def for_agent(self, asked_by: Caller, agent: str, run_id: str) -> Caller:
        """See Callers. An agent acts with its own catalog and scopes, less what the person may not do; what limits the
        person (region, warehouse) limits it. A shopper stays a shopper, with nothing but their own scopes. Raises
        NotFound, StateConflict, ForbiddenScope, Unauthenticated."""
        async with self._database.transaction(asked_by.workspace_id, write=False, quick=True) as session:
            found = next((row[0] for row in await _AGENT.rows(session, {"agent": agent})), None)
            if found is None:
                raise no_agent(agent)
            if found.status != "active":
                raise StateConflict(f"The agent {found.slug} is switched off.", hint="An admin can switch it on again.")
            user = None
            if asked_by.user_id is not None:
                user = next((row[0] for row in await _USER.rows(session, {"id": asked_by.user_id})), None)
                if user is None:
                    raise Unauthenticated("Whoever asked is not a user of this workspace any more.")
            through = None
            if asked_by.agent_id not in (None, found.id):
                through = await _planner(session, asked_by, found)
        if asked_by.principal.kind == "shopper":
            if asked_by.profile_id != found.profile_id:
                raise ForbiddenScope("This agent is not for customers.")
            return replace(asked_by, request_id=new_id("req"), run_id=run_id, seen=None)
        return Caller(
            workspace_id=asked_by.workspace_id,
            principal=_principal(asked_by),
            request_id=new_id("req"),
            user_id=asked_by.user_id,
            agent_id=found.id,
            profile_id=found.profile_id,
            scopes=_scopes(asked_by, found, through, user),
            attributes=attributes_of(user) if user is not None else asked_by.attributes,
            run_id=run_id,
            grant=asked_by.grant,
        )


class LateRuntime:
    """Satisfies Runtime; the runtime behind it is loaded in a thread with the first turn: many hubs never run one."""

    def __init__(
        self, database: Database, door: ToolDoor, callers: Callers, directory: Directory, guard: Guard, model: str
    ) -> None:
        self._made_of: Mapping[str, Any] = {
            "database": database,
            "door": door,
            "callers": callers,
            "directory": directory,
            "may_reach": guard.check,
            "default_model": model,
        }
        self._runtime: Any = None
        self._loading = asyncio.Lock()

    async def run(self, turn: Turn, record: Recorder) -> TurnEnd:
        """See Runtime."""
        if self._runtime is None:
            async with self._loading:
                if self._runtime is None:
                    module = await asyncio.to_thread(import_module, _RUNTIME)
                    self._runtime = module.build_runtime(**self._made_of)
        end: TurnEnd = await self._runtime.run(turn, record)
        return end

    async def close(self) -> None:
        """Let go of connections to models."""
        if self._runtime is not None:
            await self._runtime.close()


def build_agents(database: Database, door: ToolDoor, guard: Guard, model: str) -> Agents:
    """What runs turns in a process that serves. `model` is for agents that name none."""
    callers = HubCallers(database)
    runtime = LateRuntime(database, door, callers, HubDirectory(), guard, model)
    return Agents(runtime, callers, runtime.close)


async def _planner(session: AsyncSession, asked_by: Caller, found: Record) -> Record:
    """The planner whose own credential this is: it reaches the specialists it hands on to. Only admins of the workspace
    make planners, and keys for them."""
    planner = next((row[0] for row in await _AGENT.rows(session, {"agent": asked_by.agent_id})), None)
    role = await session.scalar(select(AgentSetup.role).where(AgentSetup.id == asked_by.agent_id))
    posture = await session.scalar(select(Profile.posture).where(Profile.id == found.profile_id))
    if planner is None or role != PLANNER or posture == "customer":
        raise ForbiddenScope(f"The agent of this key may not act through {found.slug}: it hands on to nobody.")
    return planner


def _principal(asked_by: Caller) -> Principal:
    if asked_by.user_id is not None and asked_by.grant is None:
        return Principal("user", asked_by.user_id)
    return asked_by.principal


def _scopes(asked_by: Caller, agent: Record, planner: Record | None, user: Record | None) -> frozenset[str]:
    """The agent's own, less what the person may not do. A credential that has less than its own agent has less through
    every specialist as well."""
    own = frozenset(agent.scopes)
    holder = agent if asked_by.agent_id == agent.id else planner
    if holder is not None:
        whole = frozenset(holder.scopes) if user is None else for_role(frozenset(holder.scopes), user.role)
        if holder is agent or not whole <= asked_by.scopes:
            own &= asked_by.scopes
    return for_role(own, user.role) if user is not None else own
