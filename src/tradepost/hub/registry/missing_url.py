"""Servers whose URL is a secret that nobody has told this hub: an import brings everything but that. None of them is
contacted, not even at the origin that is known."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.errors import Unavailable
from tradepost.hub.registry.models import Server
from tradepost.hub.vault.models import SealedValue
from tradepost.hub.vault.vault import URL


def url_missing(slug: str) -> Unavailable:
    """What is said of such a server, wherever it is asked for."""
    return Unavailable(
        f"The secret URL of the server '{slug}' is missing, so nothing was sent.",
        hint=f"Set it: tradepost server url {slug} - --secret-url",
    )


async def has_its_url(session: AsyncSession, server: Server) -> bool:
    """Whether it is known where the server is."""
    if not server.url_hidden:
        return True
    kept = select(SealedValue.id).where(SealedValue.owner_id == server.id, SealedValue.name == URL)
    return await session.scalar(kept) is not None
