"""`tradepost serve NAME`: one bundled server on its own, without the hub."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select

from tradepost import settings
from tradepost.cli import console
from tradepost.cli.web import serve_asgi, take_port
from tradepost.commerce.servers import build_servers
from tradepost.commerce.serving.server import StoreServer
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.store.privacy import PII_SCOPE
from tradepost.database.engine import HUB_CACHE_KIB, Database
from tradepost.database.schema import require_current, schema_state
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.ids import new_id
from tradepost.hub.access.workspaces import find_workspace, list_workspaces
from tradepost.protocol.standalone import http_app, serve_stdio


async def serve_alone(
    slug: str, stdio: bool, http: bool, host: str | None, port: int | None, workspace: str | None, data: Path | None
) -> None:
    """Serve one bundled server until stopped."""
    if stdio == http:
        raise InvalidArgument("Say how the server shall be served.", hint="Use either --stdio or --http.")
    loaded = settings.load(data=data, host=host, port=port)
    await asyncio.to_thread(require_current, loaded.store_database, "store")
    store = Database(loaded.store_database)
    try:
        servers = {server.slug: server for server in build_servers(store)}
        if slug not in servers:
            raise NotFound(f"There is no bundled server '{slug}'.", hint=f"There are: {', '.join(servers)}.")
        caller = _operator(servers.values(), await _workspace_id(loaded, store, workspace))
        if stdio:
            await serve_stdio(servers[slug], caller)
            return
        bearer = os.environ.get("TRADEPOST_BEARER", "")
        if len(bearer) < 16:
            raise InvalidArgument(
                "A server over HTTP needs a bearer token.",
                hint="Set TRADEPOST_BEARER to a secret of 16 characters or more.",
            )
        app = http_app(
            servers[slug],
            caller,
            bearer,
            allowed_hosts=loaded.allowed_hosts or tuple(f"{name}:{loaded.port}" for name in (loaded.host, "localhost")),
            allowed_origins=loaded.allowed_origins,
        )
        listener = take_port(loaded.host, loaded.port)
        console.err.print(f"{slug} serves http://{loaded.host}:{loaded.port}/mcp. Ctrl-C stops it.")
        await serve_asgi(app, listener)
    finally:
        await store.close()


def _operator(servers: Iterable[StoreServer], workspace_id: str) -> Caller:
    """Who acts when a server runs alone: the operator of this machine, with every scope of the shop."""
    scopes = {PII_SCOPE}
    for found in (server.definitions() for server in servers):
        scopes |= {*found.tool_scopes.values(), *found.resource_scopes.values(), *found.prompt_scopes.values()}
    return Caller(workspace_id, Principal("operator", "standalone"), new_id("req"), scopes=frozenset(scopes))


async def _workspace_id(loaded: settings.Settings, store: Database, workspace: str | None) -> str:
    """The store to serve: by workspace id, by the hub's short name when there is a hub, or the only one there is."""
    async with store.system(write=False) as session:
        ids = list(await session.scalars(select(StoreSettings.workspace_id).order_by(StoreSettings.workspace_id)))
    wanted = workspace or os.environ.get("TRADEPOST_WORKSPACE")
    if wanted in ids:
        return str(wanted)
    has_hub = (await asyncio.to_thread(schema_state, loaded.hub_database, "hub")).state == "current"
    if wanted and has_hub:
        hub = Database(loaded.hub_database, cache_kib=HUB_CACHE_KIB)
        try:
            return (await find_workspace(hub, wanted)).id
        finally:
            await hub.close()
    if wanted is None and len(ids) == 1:
        return ids[0]
    names = await _short_names(loaded, ids) if has_hub else ids
    raise NotFound(
        f"There is no store of the workspace '{wanted}'." if wanted else "Which workspace's store shall be served?",
        hint=f"Name one with --workspace: {', '.join(names) or 'none has a store yet; import one or load the demo'}.",
    )


async def _short_names(loaded: settings.Settings, ids: list[str]) -> list[str]:
    """The workspaces as people call them; by id where the hub does not know one."""
    hub = Database(loaded.hub_database, cache_kib=HUB_CACHE_KIB)
    try:
        known = {row.id: row.slug for row in await list_workspaces(hub)}
    finally:
        await hub.close()
    return [known.get(workspace_id, workspace_id) for workspace_id in ids]
