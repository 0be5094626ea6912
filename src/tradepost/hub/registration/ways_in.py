"""How the hub gets in at servers, in a word each, as far as people may see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.oauth.models import EVERYBODY, ServerAccount, ServerOAuth
from tradepost.hub.upstreams.oauth.setups import CLIENT
from tradepost.hub.vault.models import SealedHeader
from tradepost.hub.vault.vault import HIDDEN

Credential = Literal["none", "headers", "oauth_client", "oauth_workspace", "oauth_user"]
Connection = Literal["connected", "reconnect", "not_connected"]


@dataclass(frozen=True, slots=True)
class WayIn:
    """Of one server. `connection` is None where nobody has to connect; else it is everybody's, or that of the person
    who asks. `people` are how many have one of their own."""

    credential: Credential
    connection: Connection | None = None
    problem: str | None = None
    scopes: tuple[str, ...] = ()
    people: int = 0
    connected_at: datetime | None = None


NO_WAY = WayIn("none")


async def ways_in(session: AsyncSession, user_id: str | None = None) -> dict[str, WayIn]:
    """By server id; a server that is not in it needs no credential."""
    with_headers = await session.scalars(select(SealedHeader.server_id).distinct())
    found: dict[str, WayIn] = {server_id: WayIn("headers") for server_id in with_headers}
    accounts: dict[str, dict[str, ServerAccount]] = {}
    setups = list(await session.scalars(select(ServerOAuth)))
    if setups:
        for row in await session.scalars(select(ServerAccount)):
            accounts.setdefault(row.server_id, {})[row.holder] = row
    for setup in setups:
        found[setup.server_id] = _way(setup, accounts.get(setup.server_id, {}), user_id)
    return found


async def way_in(session: AsyncSession, server: Server, user_id: str | None = None) -> WayIn:
    """That of one server."""
    return (await ways_in(session, user_id)).get(server.id, NO_WAY)


def shown_url(server: Server) -> str | None:
    """The URL as people see it: only the origin of one that is a secret."""
    return f"{server.url}/{HIDDEN}" if server.url_hidden else server.url


def _way(setup: ServerOAuth, accounts: dict[str, ServerAccount], user_id: str | None) -> WayIn:
    row = accounts.get(user_id or "" if setup.per_user else EVERYBODY)
    if setup.flow == CLIENT:
        return WayIn("oauth_client", None, row.problem if row is not None else None, tuple(row.scopes) if row else ())
    credential: Credential = "oauth_user" if setup.per_user else "oauth_workspace"
    people = len(accounts) if setup.per_user else 0
    if row is None:
        return WayIn(credential, "not_connected", people=people)
    state: Connection = "connected" if row.state == "connected" else "reconnect"
    return WayIn(credential, state, row.problem, tuple(row.scopes), people, row.connected_at)
