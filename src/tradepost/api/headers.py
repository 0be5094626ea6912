"""The headers that the hub sends to a server: written here, sealed, and never read back where they are hidden."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.servers import Headers, Which, sealed
from tradepost.api.shapes import Given, Shown
from tradepost.hub.registration.servers import find_server

router = APIRouter(tags=["servers"])

Reading = Annotated[Work, Depends(may("admin", "read:servers"))]
Writing = Annotated[Work, Depends(may("admin", "write:servers"))]


class NewHeaders(Given):
    """All headers of a server; none is an empty list."""

    headers: Headers


class HeaderShown(Shown):
    """A header, as people may see it."""

    name: str
    value: str = Field(description="Dots where it is hidden.")
    hidden: bool


class HeadersShown(Shown):
    """The headers of a server, by name."""

    headers: list[HeaderShown]
    credential_version: int = Field(description="Counts up with every change of headers or origin.")


@router.get("/servers/{server}/headers", summary="Show a server's headers")
async def get_server_headers(work: Reading, server: Which) -> HeadersShown:
    """Names, and the values of those that are not hidden."""
    return await _shown(work, server)


@router.put("/servers/{server}/headers", summary="Replace a server's headers")
async def set_server_headers(work: Writing, server: Which, body: NewHeaders) -> HeadersShown:
    """Replace all of them; they are sent with the next connection."""
    await work.parts.registration.servers.set_headers(work.caller, server, sealed(body.headers))
    return await _shown(work, server)


async def _shown(work: Work, server: str) -> HeadersShown:
    async with work.reading() as session:
        found = await find_server(session, server)
        headers = await work.parts.vault.show(session, found.id)
    shown = [HeaderShown(name=header.name, value=header.value, hidden=header.hidden) for header in headers]
    return HeadersShown(headers=shown, credential_version=found.credential_version)
