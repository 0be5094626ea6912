"""The first page: what needs a person, and how the last week went."""

from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Refused, link
from tradepost.dashboard.visit import Visit
from tradepost.dashboard.words import plural
from tradepost.foundation.clock import to_rfc3339

WEEK = timedelta(days=7)
MOST = 8  # lines of a chart
MOST_COUNTED = 50


async def show(visit: Visit) -> Response:
    """GET /today."""
    now: datetime = visit.now()
    waiting = await visit.rest.get("approvals", state="pending", limit=5)
    days = await _usage(visit, "day", now)
    agents = await _usage(visit, "agent", now)
    names = {one["id"]: one["slug"] for one in await visit.rest.all("agents")}
    late = await _of_shop(visit, "list_at_risk_orders", {"late_only": True, "limit": 5})
    return await visit.page(
        "today.html",
        late=late,
        customers=await _length(visit, "handovers", state="waiting"),
        proposals=await _length(visit, "knowledge", "proposals", status="proposed"),
        low=await _of_shop(visit, "list_low_stock", {"limit": 5}),
        returns=await _of_shop(visit, "search_returns", {"status": "requested", "limit": 5}),
        claims=await _of_shop(visit, "search_claims", {"limit": 5}),
        waiting=waiting["items"],
        days=[_day(one) for one in days],
        agents=_of_agents(agents, names),
        total=sum(one["calls"] for one in days),
    )


async def _usage(visit: Visit, by: str, now: datetime) -> list[dict[str, Any]]:
    """Counts of the last seven days; nothing for whoever may not see them."""
    try:
        return await visit.rest.all("usage", by=by, since=to_rfc3339(now - WEEK), until=to_rfc3339(now))
    except Refused as refused:
        if refused.problem.status == 403:
            return []
        raise


async def _length(visit: Visit, *path: str, **query: str) -> str | None:
    """How long a list is, "50+" at most; None for whoever may not see it."""
    try:
        found = await visit.rest.get(*path, limit=MOST_COUNTED, **query)
    except Refused as refused:
        if refused.problem.status == 403:
            return None
        raise
    count = str(len(found["items"]))
    return f"{count}+" if found["has_more"] else count


async def _of_shop(visit: Visit, tool: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """What a tool says of the shop; None where it is switched off or nothing for the person, so that the rest of the
    page stands all the same."""
    try:
        answer = await visit.rest.send("POST", "reads", tool, body={"arguments": arguments})
    except Refused:
        return None
    found: dict[str, Any] = answer["result"]
    return found


def _day(one: dict[str, Any]) -> tuple[str, int, str, str]:
    slow = "" if one["p95_ms"] is None else f", 19 of 20 within {one['p95_ms']:.0f} ms"
    since, until = f"{one['key']}T00:00:00Z", f"{one['key']}T23:59:59Z"
    return one["key"], one["calls"], plural(one["calls"], "call") + slow, link("activity", since=since, until=until)


def _of_agents(rows: list[dict[str, Any]], names: dict[str, str]) -> list[tuple[str, int, str, str]]:
    """Writes and approvals of each agent, those with the most first."""
    shown = sorted((one for one in rows if one["key"]), key=lambda one: (-one["writes"], -one["calls"]))[:MOST]
    return [
        (
            names.get(one["key"], one["key"]),
            one["writes"],
            f"{plural(one['writes'], 'write')}, {one['approvals']:,} approved, {plural(one['calls'], 'call')}",
            link("activity", agent_id=one["key"]),
        )
        for one in shown
    ]


PAGES = (("/today", "GET", show),)
