"""After a database was restored from a backup: nothing is carried out until a person has looked.

The hub's records may lack what was done since the backup, so a write that is open in them may have been carried out
long ago: its outcome is unknown, and says so. Where the store is the older one, the hub's records are right and what
they say was done is gone. Either way all writes are frozen, and an admin ends the freeze.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass

import orjson
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.database.marks import Marks
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.rounds import Rounds
from tradepost.hub.access.changes import bump, note
from tradepost.hub.access.roles import system_caller
from tradepost.hub.access.workspaces import list_workspaces
from tradepost.hub.actions.models import RESTORED, Action, ActionState
from tradepost.hub.actions.states import move
from tradepost.hub.events.publish import publish
from tradepost.hub.policy.stored import read_own
from tradepost.hub.registration.policies import rules

FREEZE = "restored"
KEEP_SECONDS = 15.0
REASON = "a database was restored from a backup, and nobody has said yet that writes may go on"
HINT = "Look at `tradepost approvals list --state unknown`, settle each, then run `tradepost policy unfreeze restored`."
_OPEN: tuple[ActionState, ...] = ("pending", "approved", "executing")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """A workspace whose writes are frozen now, and how many of them were open and are unknown."""

    workspace: str
    unknown: int


async def hold(database: Database, which: Collection[str]) -> list[Held]:
    """Freeze the writes of every workspace, and let no open one run. Again changes nothing that is frozen already."""
    workspaces = await list_workspaces(database)
    return [Held(workspace.slug, await _hold(database, workspace.id, which)) for workspace in workspaces]


async def _hold(database: Database, workspace_id: str, which: Collection[str]) -> int:
    by = system_caller(workspace_id, new_id("req"))
    async with database.transaction(workspace_id, write=True) as session:
        await bump(session)  # first, for its lock: processes that start at the same moment freeze once
        if all(rule.name != FREEZE for rule in await read_own(session)):
            await rules.freeze(session, by, {"name": FREEZE, "reason": REASON})
            note(session, by, "workspace:restored", workspace_id, {"databases": sorted(which)})
        if "hub" not in which:
            return 0
        unknown = 0
        for state in _OPEN:
            found = (await session.scalars(select(Action).where(Action.state == state).with_for_update())).all()
            unknown += sum([await _forget(session, action, state, by) for action in found])
        return unknown


async def _forget(session: AsyncSession, action: Action, before: ActionState, by: Caller) -> bool:
    """Say of an open write that nobody knows what became of it."""
    told = StateConflict(
        "The hub's records were restored from a backup, so whether this took effect is unknown.",
        hint="Do not repeat it before somebody has looked.",
        details={"state": "unknown", "approval_id": action.id},
    )
    text = f"{told.code}: {told.message} {told.hint}"
    result = {"content": [{"type": "text", "text": text}], "structuredContent": told.as_dict(), "isError": True}
    moved = await move(
        session,
        action.workspace_id,
        action.id,
        before,
        "unknown",
        error_code=RESTORED,
        result=orjson.dumps(result).decode(),
        finished_at=system_now(),
        lease_owner=None,
        lease_until=None,
        fence=action.fence + 1,
    )
    if moved:
        note(session, by, "action:restored", action.id, {"before": before, "after": "unknown"})
        publish(
            session, action.workspace_id, "action:unknown", action.id, actor=by.principal.id, request_id=by.request_id
        )
    return moved


class Restoring:
    """Notices at the start that a database has fallen back, and writes down how far they have come."""

    def __init__(self, database: Database, marks: Marks) -> None:
        self._database = database
        self._marks = marks
        self._rounds = Rounds("how far the databases are", self._keep, KEEP_SECONDS)

    async def start(self) -> None:
        """Before anything is carried out."""
        behind = await self._marks.fallen_back()
        if behind:
            held = await hold(self._database, behind)
            _log.warning(
                "The database of the %s is older than it was: it was restored from a backup. Writes are frozen; "
                "%d that were open are unknown. %s",
                " and that of the ".join(behind),
                sum(one.unknown for one in held),
                HINT,
            )
        self._rounds.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._rounds.stop()
        await self._keep()

    async def _keep(self) -> None:
        try:
            await self._marks.keep()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("how far the databases are was not written down: %s", error)
