"""A list of audit rows within a period: by time, every row once, whatever the size of a page."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import As
from tradepost.app import Tradepost


async def test_pages_of_a_period_have_every_row_once_the_newest_first(as_: As, hub: Tradepost) -> None:
    admin = as_("admin")
    for number in range(5):
        await admin.post("/profiles", {"slug": f"p{number}"})
    await hub.audit.drain()
    everything = (await admin.get("/audit?kind=admin&limit=50"))["items"]
    for period in ("since=2026-01-01T00:00:00Z", "until=2100-01-01T00:00:00Z"):
        rows: list[dict[str, Any]] = []
        page = await admin.get(f"/audit?kind=admin&{period}&limit=3")
        while True:
            rows += page["items"]
            if page["next_cursor"] is None:
                break
            page = await admin.get(f"/audit?kind=admin&{period}&limit=3&cursor={page['next_cursor']}")
        assert sorted(row["sequence"] for row in rows) == sorted(row["sequence"] for row in everything)
        times = [(row["occurred_at"], row["sequence"]) for row in rows]
        assert times == sorted(times, reverse=True)
    newest = everything[0]["occurred_at"]
    assert all(row["occurred_at"] < newest for row in (await admin.get(f"/audit?until={newest}"))["items"])
    other = await admin.send("GET", "/audit?kind=admin&limit=3&cursor=" + str(page["next_cursor"] or "x"))
    assert other.status_code == 400
