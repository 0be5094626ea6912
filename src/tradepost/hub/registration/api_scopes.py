"""Scopes of an API's tokens that follow its document: those that the chosen operations need. Scopes that an admin named
otherwise stay as they were named."""

import asyncio
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.hub.registration.api_documents import scopes_needed
from tradepost.hub.registration.openapi.terms import Terms
from tradepost.hub.registration.servers import Servers
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.oauth.models import ServerOAuth
from tradepost.hub.upstreams.oauth.setups import CLIENT
from tradepost.protocol.api_marks import web_url

Chosen = tuple[str, Terms]  # the text of a document, and what was chosen of it


async def follow_choice(
    session: AsyncSession, servers: Servers, server: Server, before: Chosen, after: Chosen
) -> dict[str, Any]:
    """Ask for other scopes from now on, where others are needed; returns what the audit should tell of that."""
    setup = await session.scalar(select(ServerOAuth).where(ServerOAuth.server_id == server.id))
    if setup is None or setup.flow != CLIENT:
        return {}
    base, token_url = web_url(server.url or ""), setup.endpoints.get("token") if setup.endpoints else None
    had, needed = [
        await asyncio.to_thread(scopes_needed, orjson.loads(text), terms, token_url, base)
        for text, terms in (before, after)
    ]
    if sorted(setup.scopes) != sorted(had) or sorted(had) == sorted(needed):
        return {}
    setup.scopes = list(needed)
    await servers.renew_tokens(session, server)
    return {"scopes": {"before": list(had), "after": list(needed)}}
