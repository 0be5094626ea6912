"""The demo: two workspaces with filled shops, the ready-made agents, a foreign server, and something to approve."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import select

from tradepost.app import Tradepost, open_tradepost
from tradepost.commerce.demo import Variant, load
from tradepost.commerce.demo.guide import PROPOSAL
from tradepost.commerce.store.models import StoreSettings
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import Workspace
from tradepost.hub.access.people import create_user, list_users
from tradepost.hub.access.roles import system_caller
from tradepost.hub.access.workspaces import ensure_workspace
from tradepost.hub.registration.build import build_registration
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.hub.vault.vault import open_vault
from tradepost.settings import Settings
from tradepost.starter import tracker
from tradepost.starter.agents import AGENTS, ReadyAgent
from tradepost.starter.setup import set_up_agents
from tradepost.starter.shop import Shop

log = logging.getLogger(__name__)

Say = Callable[[str], None]
MAIN, SECOND = "demo", "second"
OWNER, APPROVER = "owner@demo.example", "alex@demo.example"


@dataclass(frozen=True, slots=True)
class ShopWish:
    """Which shop to load: the moment its dates are relative to, whether its clock stands still there, its seed."""

    now: datetime
    hold_clock: bool = False
    seed: int = 1


class Keys(Protocol):
    """Where agents' keys are kept on this machine."""

    def kept(self, workspace: str) -> Collection[str]:
        """The agents whose keys are there."""
        ...

    def keep(self, workspace: str, agent: str, secret: str) -> None:
        """Keep one."""
        ...


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that is ready to serve."""

    hub: Tradepost
    tracker: tracker.Tracker
    shop: Shop | None

    async def stop(self) -> None:
        if self.shop is not None:
            await self.shop.stop()
        await self.tracker.stop()


async def prepare(settings: Settings, shop: ShopWish, keys: Keys, say: Say) -> Demo:
    """Make what is not there yet, keep what is; new keys are kept at once. Raises SetupError."""
    running = tracker.Tracker(settings.data, settings.port + 1)
    running.require_port()
    settings.data.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(upgrade, settings.hub_database, "hub")
    await asyncio.to_thread(upgrade, settings.store_database, "store")
    page = Shop(settings.port + 2, settings.url)
    hub = await open_tradepost(settings.model_copy(update={"shop_origins": (*settings.shop_origins, *page.origins)}))
    try:
        main = await _workspace(hub, MAIN, "Demo shop", (*AGENTS, tracker.AGENT), shop, keys, say)
        await _workspace(hub, SECOND, "Second shop", AGENTS, shop, keys, say)
        await _start_tracker(running, settings, hub, main, say)
        if not await page.start(hub.hub, hub.store, main.id):
            say(f"The shop's own page is left out: another program has port {page.port}.")
            return Demo(hub, running, None)
    except BaseException:
        await running.stop()
        await hub.stop()
        raise
    return Demo(hub, running, page)


async def _workspace(
    hub: Tradepost, slug: str, name: str, agents: Sequence[ReadyAgent], shop: ShopWish, keys: Keys, say: Say
) -> Workspace:
    workspace = await ensure_workspace(hub.hub, slug, name, OWNER)
    await _people(hub.hub, workspace)
    await _shop(hub.store, workspace, shop, say)
    await sync_builtin(hub.hub, workspace.id, hub.bundled)
    made = await set_up_agents(hub.hub, workspace.id, agents, keys.kept(slug))
    for agent, secret in made.items():
        keys.keep(slug, agent, secret)
    return workspace


async def propose(hub: Tradepost, keys: dict[str, str]) -> None:
    """Something for a person to approve: the supply-chain manager proposes a reroute. Said once, it stays one."""
    key = keys.get("supply_chain_manager")
    if key is None:
        return
    caller = await hub.authenticator.authenticate(key, new_id("req"))
    try:
        await hub.gateway.door.call(caller, PROPOSAL.tool, {**PROPOSAL.arguments, "idempotency_key": "demo-1"})
    except TradepostError as error:
        log.warning("The demo's proposal was not made: %s", error.message)


async def _people(hub: Database, workspace: Workspace) -> None:
    by = system_caller(workspace.id, new_id("req"))
    async with hub.transaction(workspace.id, write=True) as session:
        known = {user.email for user in await list_users(session)}
        if APPROVER not in known:
            await create_user(session, by, APPROVER, "Alex Meyer", "operator")


async def _shop(store: Database, workspace: Workspace, wish: ShopWish, say: Say) -> None:
    async with store.transaction(workspace.id, write=False) as session:
        if (await session.scalars(select(StoreSettings))).first() is not None:
            return
    say(f"Loading the {workspace.name.lower()} …")
    variant: Variant = "main" if workspace.slug == MAIN else "second"
    await load(store, workspace.id, now=wish.now, seed=wish.seed, variant=variant, hold_clock=wish.hold_clock)


async def _start_tracker(
    running: tracker.Tracker, settings: Settings, hub: Tradepost, workspace: Workspace, say: Say
) -> None:
    say("Starting the shipping tracker, a foreign MCP server …")
    token = await running.start(hub.store, workspace.id)
    vault = await open_vault(hub.hub, settings.keys)
    registration = build_registration(hub.hub, vault, settings.private_networks, url=settings.url)
    try:
        by: Caller = system_caller(workspace.id, new_id("req"))
        await tracker.register_tracker(registration, hub.hub, by, running.url, token)
    except BaseException:
        await running.stop()
        raise
    finally:
        await registration.close()
