"""Keeping a claim while the server works, and what it means to have lost it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.exc import SQLAlchemyError

from tradepost.hub.actions.lease import Claim, Leases

_log = logging.getLogger(__name__)


class LostClaim(Exception):
    """Another process took the action over; whatever this one found out is not recorded."""

    def __init__(self, action_id: str) -> None:
        super().__init__(f"the claim of {action_id} was lost")
        self.action_id = action_id


@asynccontextmanager
async def kept(leases: Leases, claim: Claim) -> AsyncIterator[None]:
    """Renew a lease in time for as long as the block runs."""
    renewing = asyncio.create_task(_renew(leases, claim))
    try:
        yield
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing


async def _renew(leases: Leases, claim: Claim) -> None:
    while True:
        await asyncio.sleep(leases.length.total_seconds() / 3)
        try:
            if not await leases.renew(claim):
                _log.warning("the lease of %s was taken over while its server was called", claim.action_id)
                return
        except (SQLAlchemyError, OSError) as error:
            _log.warning("the lease of %s could not be renewed: %s", claim.action_id, error)
