"""What a write rests on: that its records are still as they were when people saw them, and what takes it back."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from tradepost.commerce.store.changes import ChangeLog, Place
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.wording import wording_of
from tradepost.database.base import StoreBase
from tradepost.foundation.errors import VersionConflict
from tradepost.protocol.builtin import MOVED, Expects, Json


async def require_unmoved(store: Store, log: ChangeLog, expects: Expects | None) -> None:
    """Raise VersionConflict where a record has another version than was expected, or, of a call that rests exactly on
    what it expects, where it rests on others too. Call it after the flush, before the transaction commits."""
    if expects is None:
        return
    known = log.versions()
    wanted: dict[Place, int] = {(one["table"], one["id"]): one["version"] for one in expects.versions}
    names = {(one["table"], one["id"]): str(one.get("record") or one["id"]) for one in expects.versions}
    moved = [place for place, version in wanted.items() if await _version(store, known, place) != version]
    if expects.exactly:
        moved += [place for place in known if place not in wanted]
    if not moved:
        return
    wording = await wording_of(store, log)
    said = []
    for place in moved:
        row = log.row(place)
        said.append(names.get(place) or (place[1] if row is None else await wording.name(row)))
    raise VersionConflict(
        f"{', '.join(said[:5])} changed meanwhile, so nothing was done.",
        hint="Look at the record as it is now, and decide again.",
        details={MOVED: said},
    )


def undo_of(store: Store, log: ChangeLog, offered_for: timedelta | None) -> Json | None:
    """The call that takes a write back, with the versions that it leaves behind. Call it after the flush."""
    if offered_for is None or store.reversal is None:
        return None
    return {
        "tool": store.reversal.tool,
        "arguments": dict(store.reversal.arguments),
        "summary": store.reversal.summary,
        "seconds": int(offered_for.total_seconds()),
        "versions": [
            {"table": table, "id": row_id, "version": version}
            for (table, row_id), version in log.versions_after().items()
        ],
    }


async def _version(store: Store, known: dict[Place, int], place: Place) -> Any:
    """The version a record had when the call looked at it; what it has now, where the call did not."""
    if place in known:
        return known[place]
    table = StoreBase.metadata.tables.get(place[0])
    if table is None or "version" not in table.columns:
        return None
    model = next(mapper.class_ for mapper in StoreBase.registry.mappers if mapper.local_table is table)
    return await store.session.scalar(select(model.version).where(model.id == place[1]))
