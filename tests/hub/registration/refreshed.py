"""A process that refreshes the tools of a server and dies by `kill -9` at one of the statements of that."""

import asyncio
import os
import signal
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.forking import context
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.vault import open_vault
from tradepost.settings import LOOPBACK

KILLED = -signal.SIGKILL
PATIENCE_SECONDS = 60


async def refreshes(hub_url: str, vault_key: Path, by: Caller, server: str, dies_at: int) -> int | None:
    """Refresh in another process, which dies at so many writing statements or commits. Returns its exit status."""
    process = context.Process(target=_refresh, args=(hub_url, vault_key, by, server, dies_at))
    process.start()
    await asyncio.to_thread(process.join, PATIENCE_SECONDS)
    status = process.exitcode
    process.close()
    return status


def _refresh(hub_url: str, vault_key: Path, by: Caller, server: str, dies_at: int) -> None:
    reached = 0

    def count(*_: Any) -> None:
        nonlocal reached
        reached += 1
        if reached == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def look(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            count()

    async def main() -> None:
        database = Database(hub_url)
        connections = Connections(await open_vault(database, vault_key), Guard([ip_network(one) for one in LOOPBACK]))
        discovery = Discovery(database, await open_vault(database, vault_key), connections)
        event.listen(Engine, "after_cursor_execute", look)
        event.listen(Engine, "commit", count)  # before it is one
        await discovery.discover(by, server)
        count()  # it is one, and nobody was told

    asyncio.run(main())
