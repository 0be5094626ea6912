"""Satisfies World and Worlds: each attempt has databases of its own, and a hub that serves nobody else."""

import asyncio
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import func, select

from tradepost.agents.answering.turns import Runner
from tradepost.agents.conversations.build import Agents
from tradepost.agents.evals.datasets.schema import Json, Store, Verdict
from tradepost.agents.models.naming import Models
from tradepost.agents.ports import Awaited, Callers, Runtime, ToolDoor
from tradepost.api.agent_directory import HubDirectory
from tradepost.app import Tradepost, open_tradepost
from tradepost.app.answering import HubCallers
from tradepost.commerce.servers import build_servers
from tradepost.commerce.transfer import export_store
from tradepost.database.base import StoreBase, Versioned
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import from_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict, Unavailable
from tradepost.foundation.ids import new_id
from tradepost.hub.access.people import find_user
from tradepost.hub.access.roles import caller_for_user, system_caller
from tradepost.hub.access.shoppers import mint_shopper_session
from tradepost.hub.access.workspaces import find_workspace
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.states import FINISHED, REFUSED
from tradepost.hub.registration.granting import scopes_through_profile
from tradepost.starter.trials.templates import ASKER, OWNER, WORKSPACE, Templates, settings_in

ENDS_SECONDS = 60.0  # until an approved write has been carried out
LOOK_SECONDS = 0.01
MOST_ROUNDS = 5
SESSION = timedelta(minutes=60)
GET_APPROVAL = "get_approval"
_OF_THE_MACHINE = ("commerce.store.models", "commerce.effects", "commerce.outbound")  # what the hub itself keeps there


class TrialWorlds:
    """Makes worlds. Everything is in the folder of `templates`, which the caller removes."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    async def open(self, store: Store, models: Models) -> "TrialWorld":
        """See Worlds."""
        folder, template = await self._templates.copy(store)
        settings = settings_in(folder, self._templates.wish)

        def build(hub: Tradepost) -> Agents:
            door, callers = hub.gateway.door, HubCallers(hub.hub)
            moment = from_rfc3339(store.now)  # the shop's clock stands still, and so does that of its agents
            runner = Runner(hub.hub, door, callers, HubDirectory(), models, settings.model, lambda: moment)
            return Agents(runner, callers, runner.close)

        hub = await open_tradepost(settings, agents=build)
        try:
            workspace = await find_workspace(hub.hub, WORKSPACE)
            world = TrialWorld(hub, workspace.id, folder, template, self._templates)
            await hub.start()
        except BaseException:
            await hub.stop()
            raise
        return world


class TrialWorld:
    """One of them."""

    def __init__(self, hub: Tradepost, workspace_id: str, folder: Path, template: Path, templates: Templates) -> None:
        self._hub = hub
        self._workspace = workspace_id
        self._folder = folder
        self._template = template
        self._templates = templates
        servers = build_servers(hub.store)
        scopes = {scope for server in servers for scope in server.definitions().tool_scopes.values()}
        self._scopes = frozenset(scopes | {"read:customers.pii"})
        self._servers = {tool.name: server for server in servers for tool in server.tools}

    @property
    def runtime(self) -> Runtime:
        """See World."""
        return self._hub.conversations.agents.runtime

    @property
    def door(self) -> ToolDoor:
        """See World."""
        return self._hub.gateway.door

    @property
    def callers(self) -> Callers:
        """See World."""
        return self._hub.conversations.agents.callers

    async def asker(self, shopper: str | None) -> Caller:
        """See World."""
        if shopper is None:
            return await self._person(ASKER)
        by = system_caller(self._workspace, new_id("req"))
        async with self._hub.hub.transaction(self._workspace, write=True) as session:
            made = await mint_shopper_session(session, by, shopper, lives=SESSION, shown=scopes_through_profile)
        return await self._hub.authenticator.authenticate(made.token, new_id("req"))

    async def operate(self, tool: str, arguments: Json) -> Json:
        """See World."""
        server = self._servers.get(tool)
        if server is None:
            raise InvalidArgument(
                f"The shop has no tool '{tool[:60]}'.", hint="`tradepost reference tools` lists them.", field="tool"
            )
        definition = next(one for one in server.tools if one.name == tool).definition()
        given = dict(arguments)
        if "idempotency_key" in definition["inputSchema"].get("properties", {}):
            given.setdefault("idempotency_key", new_id("key"))
        by = Caller(self._workspace, Principal("operator", "evals"), new_id("req"), scopes=self._scopes)
        result = await server.call(by, tool, given, given.get("idempotency_key"))
        if result.is_error or result.structured is None:
            said = (result.structured or {}).get("message", "it returned nothing")
            raise InvalidArgument(f"{tool}, as the case calls it: {said}")
        return dict(result.structured)

    async def answer(self, approval_id: str, answer: Verdict, comment: str | None) -> None:
        """See World. Where two people have to agree, both do; who is asked again, because what they saw has changed
        since, says the same again."""
        for _ in range(MOST_ROUNDS):
            await self._say(approval_id, answer, comment)
            if await self._has_ended(approval_id):
                return
        raise Unavailable(f"The approval {approval_id} was asked for {MOST_ROUNDS} times.")

    async def _say(self, approval_id: str, answer: Verdict, comment: str | None) -> None:
        verdicts = self._hub.gateway.verdicts
        for email in (OWNER, ASKER):
            by = await self._person(email)
            if answer == "approve":
                await verdicts.approve(by, approval_id, comment)
            else:
                await verdicts.reject(by, approval_id, comment)
            if await self._state(approval_id) != "pending":
                return

    async def outcome(self, asked_by: Caller, awaited: Awaited, run_id: str) -> Json:
        """See World."""
        caller = await self.callers.for_agent(asked_by, awaited.agent, run_id)
        return await self.door.call(caller, GET_APPROVAL, {"approval_id": awaited.approval_id}, run_id)

    async def footprint(self) -> Mapping[str, Any]:
        """See World: how many rows each table of the shop has, and how often they changed."""
        found = {}
        async with self._hub.store.transaction(self._workspace, write=False) as session:
            for mapper in StoreBase.registry.mappers:
                model = mapper.class_
                if any(part in model.__module__ for part in _OF_THE_MACHINE):
                    continue
                changes: Any = (
                    func.coalesce(func.sum(model.version), 0) if issubclass(model, Versioned) else func.count()
                )
                row = (await session.execute(select(func.count(), changes).select_from(model))).one()
                found[model.__tablename__] = (row[0], row[1])
        return found

    async def export(self) -> Json:
        """See World."""
        return await export_store(self._hub.store, self._workspace)

    async def begun_with(self) -> Json:
        """See World."""
        return await self._templates.export(self._template, self._workspace)

    async def close(self) -> None:
        """See World."""
        try:
            await self._hub.stop()
        finally:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _person(self, email: str) -> Caller:
        async with self._hub.hub.transaction(self._workspace, write=False) as session:
            return caller_for_user(await find_user(session, email), new_id("req"))

    async def _state(self, approval_id: str) -> str:
        async with self._hub.hub.transaction(self._workspace, write=False) as session:
            state = await session.scalar(select(Action.state).where(Action.id == approval_id))
        if state is None:
            raise StateConflict(f"There is no approval {approval_id}.")
        return state

    async def _has_ended(self, approval_id: str) -> bool:
        """Wait until it has come to its end, or back to people: then False."""
        deadline = monotonic() + ENDS_SECONDS
        while (state := await self._state(approval_id)) not in FINISHED | REFUSED:
            if state == "pending":
                return False
            if monotonic() > deadline:
                raise Unavailable(f"The approved write {approval_id} was not carried out in {ENDS_SECONDS:g} s.")
            await asyncio.sleep(LOOK_SECONDS)
        return True
