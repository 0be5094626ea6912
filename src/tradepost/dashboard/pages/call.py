"""One call, from what was asked to what came of it."""

from typing import Any

from starlette.responses import Response

from tradepost.dashboard.visit import Visit
from tradepost.dashboard.words import names_of

_TITLES = {
    "approval:requested": "Asked a person",
    "approval:requested_again": "Asked again: what was shown had changed",
    "approval:withdrawn": "An approval did not count any more",
    "approval:expired": "Nobody answered in time",
    "tool:replay": "Asked again with the same key: the same answer",
    "read": "Read",
    "intent": "Written down before anything was sent",
    "outcome": "What came of it",
    "refused": "Refused",
    "decision": "A person decided",
    "admin": "A setting was changed",
}


async def show(visit: Visit) -> Response:
    """GET /activity/{row}: the row with all others of the same request, and of the approval that belongs to it."""
    row = await visit.rest.get("audit", visit.part("row"))
    rows: dict[str, dict[str, Any]] = {row["id"]: row}
    for name in ("request_id", "action_id"):
        if row[name]:
            found = await visit.rest.get("audit", limit=50, **{name: row[name]})
            rows |= {one["id"]: one for one in found["items"]}
    agents = await visit.rest.all("agents")
    people = await visit.rest.all("users")
    return await visit.page(
        "call.html",
        row=row,
        steps=sorted(rows.values(), key=lambda one: one["sequence"]),
        titles=_TITLES,
        names=names_of(agents, people),
    )


PAGES = (("/activity/{row}", "GET", show),)
