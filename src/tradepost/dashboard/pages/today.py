"""The first page: what needs a person, as it is now, and how the operation stands, as of the last half minute. All of
it is asked at once, and none of it keeps the rest from standing there."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Refused, link
from tradepost.dashboard.visit import Visit
from tradepost.dashboard.words import milliseconds, plural
from tradepost.foundation.clock import to_rfc3339

WEEK, DEADLINES = timedelta(days=7), timedelta(days=60)
MOST = 8  # lines of a chart
MOST_COUNTED = 50

Json = dict[str, Any]
Bar = tuple[str, float, str, str]  # label, number, words for the number, where it leads


async def show(visit: Visit) -> Response:
    """GET /today. The page's script, which looks again every few seconds, takes what needs a person: the charts are not
    asked for then."""
    needing = {"customers": _length(visit, "handovers", state="waiting")} | {
        "proposals": _length(visit, "knowledge", "proposals", status="proposed")
    }
    if visit.is_follow_up:
        customers, proposals = await asyncio.gather(*needing.values())
        return await visit.page("today.html", customers=customers, proposals=proposals, charts=None)
    now: datetime = visit.now()
    customers, proposals, waiting, written, days, agents, names, late, low, returns, claims = await asyncio.gather(
        *needing.values(),
        visit.rest.get("approvals", state="pending", limit=5),
        visit.rest.get("approvals", state="succeeded", limit=1),
        _usage(visit, "day", now),
        _usage(visit, "agent", now),
        visit.rest.all("agents"),
        _of_shop(visit, "list_at_risk_orders", {"late_only": True, "limit": 1, "detail": "summary"}),
        _of_shop(visit, "list_low_stock", {"limit": MOST}),
        _of_shop(visit, "search_returns", {"status": "requested", "limit": MOST}),
        _of_shop(visit, "search_claims", {"file_by_before": to_rfc3339(now + DEADLINES), "limit": MOST}),
    )
    charts = {
        "late": late,
        "low": low and [_low(one) for one in low["items"]],
        "returns": returns and [_return(one) for one in returns["items"]],
        "claims": claims and [_claim(one) for one in claims["items"]],
        "days": [_day(one) for one in days],
        "latency": [_latency(one) for one in days if one["p95_ms"] is not None],
        "agents": _of_agents(agents, {one["id"]: one["slug"] for one in names}),
    }
    return await visit.page(
        "today.html",
        customers=customers,
        proposals=proposals,
        charts=charts,
        waiting=waiting["items"],
        written=bool(written["items"]),
        in_all={"low": _total(low), "returns": _total(returns), "claims": _total(claims)},
        total=sum(one["calls"] for one in days),
    )


async def _usage(visit: Visit, by: str, now: datetime) -> list[Json]:
    """Counts of the last seven days; nothing for whoever may not see them."""

    async def ask() -> list[Json]:
        return await visit.rest.all("usage", by=by, since=to_rfc3339(now - WEEK), until=to_rfc3339(now))

    try:
        found: list[Json] = await visit.asked_lately(("usage", by), ask)
        return found
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


async def _of_shop(visit: Visit, tool: str, arguments: Json) -> Json | None:
    """What a tool says of the shop; None where it is switched off or nothing for the person, so that the rest of the
    page stands all the same."""

    async def ask() -> Json:
        answer: Json = await visit.rest.send("POST", "reads", tool, body={"arguments": arguments})
        return answer

    try:
        found: Json = (await visit.asked_lately(("read", tool), ask))["result"]
        return found
    except Refused:
        return None


def _total(found: Json | None) -> Any:
    return None if found is None else found.get("total_estimate")


def _low(one: Json) -> Bar:
    """What is left of a level, as a share of its reorder point."""
    share = max(one["available"], 0) / one["reorder_point"] if one["reorder_point"] else 0
    words = f"{one['available']:,} of {one['reorder_point']:,}"
    return f"{one['sku']} at {one['warehouse']}", share, words, link("store", "inventory", one["sku"])


def _return(one: Json) -> Bar:
    age = one["age_days"]
    return one["rma"], age, f"{plural(age, 'day')} old", link("store", "returns", one["rma"])


def _claim(one: Json) -> Bar:
    left = one.get("days_left")
    words = "no deadline" if left is None else f"{plural(left, 'day')} left" if left >= 0 else "too late"
    return one["number"], max(left or 0, 0), words, link("store", "claims", one["number"])


def _day(one: Json) -> Bar:
    return one["key"], one["calls"], plural(one["calls"], "call"), _calls_of(one["key"])


def _latency(one: Json) -> Bar:
    words = f"{milliseconds(one['p95_ms'])}, half within {milliseconds(one['p50_ms'])}"
    return one["key"], one["p95_ms"], words, _calls_of(one["key"])


def _calls_of(day: str) -> str:
    return link("activity", since=f"{day}T00:00:00Z", until=f"{day}T23:59:59Z")


def _of_agents(rows: list[Json], names: dict[str, str]) -> list[tuple[str, str, list[Bar]]]:
    """Writes and approvals of each agent, those with the most first: the name, where its calls are, and a bar each."""
    shown = sorted((one for one in rows if one["key"]), key=lambda one: (-one["writes"], -one["calls"]))[:MOST]
    return [
        (
            str(names.get(one["key"], one["key"])),
            link("activity", agent_id=one["key"]),
            [
                ("writes", one["writes"], plural(one["writes"], "write"), ""),
                ("approved", one["approvals"], f"{one['approvals']:,} approved", ""),
            ],
        )
        for one in shown
    ]


PAGES = (("/today", "GET", show),)
