"""Opening a hub over the databases that the settings name."""

import asyncio
from collections.abc import Callable

from tradepost.agents.conversations.build import Agents
from tradepost.app.hub import Tradepost
from tradepost.database.engine import HUB_CACHE_KIB, Database
from tradepost.database.schema import require_current
from tradepost.hub.registration.build import open_secrets
from tradepost.protocol.peers import Peers
from tradepost.settings import Settings


async def open_tradepost(
    settings: Settings, peers: Peers | None = None, agents: Callable[[Tradepost], Agents] | None = None
) -> Tradepost:
    """A hub over the databases of the settings, which must have this release's schema. Raises SetupError."""
    await asyncio.to_thread(require_current, settings.hub_database, "hub")
    await asyncio.to_thread(require_current, settings.store_database, "store")
    hub, store = Database(settings.hub_database, cache_kib=HUB_CACHE_KIB), Database(settings.store_database)
    try:
        vault = await open_secrets(hub, settings.keys, settings.secret_managers_file)
        try:
            return Tradepost(settings, hub, store, vault, peers, agents=agents)
        except BaseException:
            await vault.close()
            raise
    except BaseException:  # a key that is not there, a file of settings that is wrong: nobody else would close them
        await hub.close()
        await store.close()
        raise
