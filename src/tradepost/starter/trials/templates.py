"""The stores and hubs that trials begin with: made once per run and copied for each attempt, which takes no time."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tradepost.agents.evals.datasets.schema import Json, Store
from tradepost.agents.setups.models import AgentSetup
from tradepost.app import Tradepost, open_tradepost
from tradepost.commerce.demo import load
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.transfer import export_store, import_store, read_file
from tradepost.commerce.transfer.policy import policy_rows
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.foundation.clock import from_rfc3339
from tradepost.foundation.errors import NotFound
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import find_agent
from tradepost.hub.access.people import create_user
from tradepost.hub.access.roles import system_caller
from tradepost.hub.access.workspaces import create_workspace
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.settings import Settings
from tradepost.starter.setup import set_up_agents
from tradepost.starter.trials.agents import Brought, bring_agents

WORKSPACE = "trial"
OWNER, ASKER = "owner@trial.example", "alex@trial.example"
DATABASES = ("hub.db", "store.db")

Change = Mapping[str, Any]  # of an agent's setup: instructions, limits


@dataclass(frozen=True, slots=True)
class Wish:
    """Whom trials are made for: agents of a workspace, or the ready-made ones (None); what is tried of each agent
    instead of what it has; where store exports are looked for; networks that models may be reached in."""

    brought: Brought | None = None
    changes: Mapping[str, Change] = field(default_factory=dict)
    beside: Path = field(default_factory=Path)
    allow_private: tuple[str, ...] = ()
    model: str = "scripted"


def settings_in(folder: Path, wish: Wish) -> Settings:
    """Settings of a trial's hub: nothing of the environment, nothing that leads outside."""
    given: dict[str, Any] = {
        name: one.get_default(call_default_factory=True) for name, one in Settings.model_fields.items()
    }
    given |= {"data": folder, "allow_private": wish.allow_private, "model": wish.model, "approval_fresh_minutes": 0}
    return Settings(**given)


class Templates:
    """Makes each store that is wished for once."""

    def __init__(self, folder: Path, wish: Wish, say: Callable[[str], None]) -> None:
        self._folder = folder
        self.wish = wish
        self._say = say
        self._made: dict[Store, asyncio.Task[Path]] = {}
        self._exports: dict[Path, asyncio.Task[Json]] = {}
        self._copies = 0

    async def copy(self, store: Store) -> tuple[Path, Path]:
        """A folder with databases of its own, and that of the template. Raises InvalidArgument, NotFound."""
        if store not in self._made:
            self._made[store] = asyncio.create_task(self._make(store, self._folder / f"template-{len(self._made)}"))
        template = await asyncio.shield(self._made[store])
        self._copies += 1
        folder = self._folder / f"attempt-{self._copies}"
        await asyncio.to_thread(shutil.copytree, template, folder)
        return folder, template

    async def export(self, template: Path, workspace_id: str) -> Json:
        """The export of a template's store, read once."""
        if template not in self._exports:
            self._exports[template] = asyncio.create_task(self._exported(template, workspace_id))
        return await asyncio.shield(self._exports[template])

    async def _exported(self, template: Path, workspace_id: str) -> Json:
        database = Database(settings_in(template, self.wish).store_database)
        try:
            return await export_store(database, workspace_id)
        finally:
            await database.close()

    async def _make(self, store: Store, folder: Path) -> Path:
        file = None if store.file is None else self.wish.beside / store.file
        if file is not None and not file.is_file():
            raise NotFound(f"There is no store export {file}.", hint="It is looked for beside the dataset.")
        self._say(f"Preparing {f'the store {file.name}' if file else f'the {store.shop} shop'} …")
        await asyncio.to_thread(folder.mkdir, parents=True)
        settings = settings_in(folder, self.wish)
        await asyncio.to_thread(upgrade, settings.hub_database, "hub")
        await asyncio.to_thread(upgrade, settings.store_database, "store")
        hub = await open_tradepost(settings)
        try:
            founded = await create_workspace(hub.hub, WORKSPACE, "Trial", OWNER, "Olivia Owner")
            workspace_id = founded.workspace.id
            await self._fill(hub, workspace_id, store, file)
            await self._agents(hub, workspace_id)
        finally:
            await hub.stop()
        return folder

    async def _fill(self, hub: Tradepost, workspace_id: str, store: Store, file: Path | None) -> None:
        now = from_rfc3339(store.now)
        if file is not None:
            read = await asyncio.to_thread(read_file, file)
            await import_store(hub.store, workspace_id, read, policy_rows(), now=now)
        elif store.shop == "demo":
            await load(hub.store, workspace_id, now=now, seed=store.seed, hold_clock=True)
            return
        async with hub.store.transaction(workspace_id, write=True) as session:
            row = await session.scalar(select(StoreSettings))
            if row is None:
                session.add(StoreSettings(id="settings", name="Trial", currency="EUR", fixed_now=now))
            else:
                row.fixed_now = now

    async def _agents(self, hub: Tradepost, workspace_id: str) -> None:
        by = system_caller(workspace_id, new_id("req"))
        async with hub.hub.transaction(workspace_id, write=True) as session:
            await create_user(session, by, ASKER, "Alex Meyer", "operator")
        await sync_builtin(hub.hub, workspace_id, hub.bundled)
        if self.wish.brought is None:
            await set_up_agents(hub.hub, workspace_id)
        else:
            await bring_agents(hub, workspace_id, self.wish.brought)
        async with hub.hub.transaction(workspace_id, write=True) as session:
            for slug, change in self.wish.changes.items():
                agent = await find_agent(session, slug)
                setup = await session.get(AgentSetup, (workspace_id, agent.id))
                if setup is None:
                    setup = AgentSetup(id=agent.id)
                    session.add(setup)
                for name, value in change.items():
                    setattr(setup, name, value)
