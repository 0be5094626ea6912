"""How the hub gets in at a server: its credential, written here and never read back, and whether people are connected.

The connection itself is made in a browser: these routes say where.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.credential_shapes import CredentialGiven, stored
from tradepost.api.servers import ServerShown, Which, shown_server
from tradepost.api.shapes import Given, Shown
from tradepost.hub.registration.oauth_terms import OAuthTerms
from tradepost.hub.registration.ways_in import WayIn
from tradepost.hub.registry.models import Server

router = APIRouter(tags=["servers"])

Reading = Annotated[Work, Depends(may("viewer", "read:servers"))]
Connecting = Annotated[Work, Depends(may("viewer", "write:servers"))]
Writing = Annotated[Work, Depends(may("admin", "write:servers"))]


class NewCredential(Given):
    """What the hub shows a server from now on; null for nothing."""

    credential: CredentialGiven | None


class ConnectionShown(Shown):
    """Whether somebody is connected to a server: everybody's account, or that of whoever asks."""

    credential: Literal["none", "headers", "oauth_client", "oauth_workspace", "oauth_user"]
    connection: Literal["connected", "reconnect", "not_connected"] | None = Field(
        description="Null where nobody has to connect."
    )
    problem: str | None
    scopes: list[str] = Field(description="What was allowed.")
    people: int = Field(description="How many have an account of their own there.")
    connect_url: str | None = Field(description="Where a person connects it, in a browser.")


@router.put("/servers/{server}/credential", summary="Replace a server's credential")
async def set_server_credential(work: Writing, server: Which, body: NewCredential) -> ServerShown:
    """It is sent with the next connection. Whoever was connected before is not any more. Headers that are no credential
    stay."""
    credentials, given = work.parts.registration.credentials, stored(body.credential)
    if given is None:
        row = await credentials.remove(work.caller, server)
    elif isinstance(given, OAuthTerms):
        row = await credentials.set_oauth(work.caller, server, given)
    else:
        row = await credentials.set_header(work.caller, server, given)
    return await shown_server(work, row)


@router.get("/servers/{server}/connection", summary="Show whether a server is connected")
async def get_server_connection(work: Reading, server: Which) -> ConnectionShown:
    """For a server that people connect, also where that is done."""
    return _shown(work, *await work.parts.registration.connecting.look(work.caller, server))


@router.delete("/servers/{server}/connection", summary="Disconnect a server")
async def disconnect_server(work: Connecting, server: Which) -> ConnectionShown:
    """Forget its tokens: everybody's (an admin does that), or one's own where each person has an account."""
    connecting = work.parts.registration.connecting
    await connecting.disconnect(work.caller, server)
    return _shown(work, *await connecting.look(work.caller, server))


def _shown(work: Work, server: Server, way: WayIn) -> ConnectionShown:
    link = work.parts.registration.connecting.link(server) if way.connection is not None else None
    return ConnectionShown(
        credential=way.credential,
        connection=way.connection,
        problem=way.problem,
        scopes=list(way.scopes),
        people=way.people,
        connect_url=link,
    )
