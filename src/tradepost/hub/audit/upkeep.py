"""What is done for the log in the background: sums for the usage view, and the end of rows after their time."""

import logging
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import StateConflict, Unavailable
from tradepost.foundation.ids import new_id
from tradepost.foundation.rounds import Rounds
from tradepost.hub.audit.models import AuditSettings
from tradepost.hub.audit.prune import prune
from tradepost.hub.audit.signing import Signer, Workspaces
from tradepost.hub.audit.usage import roll_up

SUM_SECONDS = 10.0
PRUNE_SECONDS = 3_600.0
FIRST_SECONDS = 2.0  # those who waited for the start go first

_log = logging.getLogger(__name__)


class Upkeep:
    """Of the logs of all workspaces. Any number of processes may do it at once."""

    def __init__(
        self, database: Database, workspaces: Workspaces, signer: Signer | None = None, now: Now = system_now
    ) -> None:
        self._database = database
        self._workspaces = workspaces
        self._signer = signer
        self._now = now
        self._summing = Rounds("audit sums", self._sum_once, SUM_SECONDS, FIRST_SECONDS)
        self._pruning = Rounds("audit retention", self._prune_once, PRUNE_SECONDS, FIRST_SECONDS)

    async def start(self) -> None:
        """Begin."""
        self._summing.start()
        self._pruning.start()

    async def stop(self) -> None:
        """End with the step under way."""
        await self._summing.stop()
        await self._pruning.stop()

    async def sum_up(self) -> None:
        """Sum up what was linked in every workspace."""
        for workspace_id in await self._workspaces():
            await roll_up(self._database, workspace_id)

    async def prune_due(self) -> None:
        """Delete what workspaces want to keep no longer. A chain that is broken is left as it is, with a word in the
        log of the process."""
        async with self._database.system(write=False) as session:
            limited = select(AuditSettings.workspace_id, AuditSettings.keep_days)
            due = (await session.execute(limited.where(AuditSettings.keep_days.is_not(None)))).all()
        for workspace_id, days in ((one, days or 0) for one, days in due if days):
            now = self._now()
            by = Caller(workspace_id, Principal("system", "retention"), new_id("req"))
            try:
                await prune(self._database, by, now - timedelta(days=days), now, self._signer)
            except (StateConflict, Unavailable) as error:
                _log.error("audit rows of %s are kept longer than %d days: %s", workspace_id, days, error.message)

    async def _sum_once(self) -> None:
        try:
            await self.sum_up()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("usage is not summed up for now: %s", error)

    async def _prune_once(self) -> None:
        try:
            await self.prune_due()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("old audit rows are not deleted for now: %s", error)
