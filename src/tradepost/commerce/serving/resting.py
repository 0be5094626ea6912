"""What a write rests on: that its records are still as they were when people saw them, and what takes it back."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from tradepost.commerce.store.changes import ChangeLog, Place
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.wording import models, wording_of
from tradepost.database.base import Versioned
from tradepost.foundation.errors import VersionConflict
from tradepost.protocol.builtin import MOVED, Expects, Json


async def require_unmoved(store: Store, log: ChangeLog, expects: Expects | None) -> None:
    """Raise VersionConflict where a record has another version than was expected, or, of a call that rests exactly on
    what it expects, where it rests on others too. Call it after the flush, before the transaction commits."""
    if expects is None:
        return
    known = log.versions()
    wanted: dict[Place, int] = {_place(one): one["version"] for one in expects.versions}
    names = {_place(one): one["record"] for one in expects.versions if "table" in one and one.get("record")}
    moved = [place for place, version in wanted.items() if await _version(store, known, place) != version]
    if expects.exactly:
        moved += [place for place in known if place not in wanted]
    if not moved:
        return
    wording = await wording_of(store, log)
    said = []
    for place in moved:
        row = log.row(place)
        said.append(names.get(place) or (f"A record of {place[0]}" if row is None else await wording.name(row)))
    raise VersionConflict(
        f"{', '.join(said[:5])} changed meanwhile, so nothing was done.",
        hint="Look at the record as it is now, and decide again.",
        details={MOVED: said},
    )


def undo_of(store: Store, log: ChangeLog, offered_for: timedelta | None) -> Json | None:
    """The call that takes a write back, with the versions that it leaves behind. Call it after the flush."""
    left = log.versions_after()
    if offered_for is None or store.reversal is None or not left:
        return None
    return {
        "tool": store.reversal.tool,
        "arguments": dict(store.reversal.arguments),
        "summary": store.reversal.summary,
        "seconds": int(offered_for.total_seconds()),
        "versions": [{"table": table, "id": row_id, "version": version} for (table, row_id), version in left.items()],
    }


def _place(one: Json) -> Place:
    """Where a record stands. A preview of an earlier release says "orders/ord_1" and nothing else."""
    if "table" in one:
        return one["table"], one["id"]
    table, _, row_id = str(one["record"]).partition("/")
    return table, row_id


async def _version(store: Store, known: dict[Place, int], place: Place) -> Any:
    """The version a record had when the call looked at it; what it has now, where the call did not."""
    if place in known:
        return known[place]
    model = models().get(place[0])
    if model is None or not issubclass(model, Versioned):
        return None
    return await store.session.scalar(select(model.version).where(model.id == place[1]))
