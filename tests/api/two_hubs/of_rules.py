"""What is decided, recorded and told to whom: policy, limits, approvals, the audit, whole configurations."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from tests.api.two_hubs.pair import SECONDS, Case, Pair, soon
from tests.api.world import Client


async def policy_and_limits(pair: Pair) -> None:
    rule = {"name": "no-reading", "outcome": "deny", "tool": "get_customer", "reason": "not now"}
    await pair.change("POST", "/policy/rules", rule)

    async def denied() -> bool:
        return "not now" in str(await pair.customer())

    await soon(denied)
    await pair.change("PATCH", "/policy/rules/no-reading", {"enabled": False})
    await soon(pair.works)
    await pair.change("DELETE", "/policy/rules/no-reading")
    frozen = await pair.change("POST", "/policy/freezes", {"reason": "stock-taking"})
    write = {"customer_id": "C-2", "note": "Rings once."}
    turn = iter(range(10_000))

    async def freezes() -> bool:
        said = await pair.call("update_customer", {**write, "idempotency_key": f"freeze-{next(turn)}"})
        return "stock-taking" in str(said)

    await soon(freezes)
    await pair.change("DELETE", f"/policy/freezes/{frozen['name']}")

    async def thawed() -> bool:
        return not await freezes()

    await soon(thawed)
    await pair.change("PUT", "/policy/time-zone", {"time_zone": "Europe/Rome"})
    assert (await pair.look("/policy/rules"))["time_zone"] == "Europe/Rome"
    await pair.change("PATCH", "/agents/supply/limits", {"set": {"calls_per_minute": 1}})
    await soon(lambda: pair.refused("rate_limited"))
    await pair.change("PATCH", "/agents/supply/limits", {"unset": ["calls_per_minute"]})
    await soon(pair.works)


async def who_is_told_and_who_may_answer(pair: Pair) -> None:
    hook = await pair.change("POST", "/webhooks", {"name": "desk", "url": f"{pair.foreign.url}/hook"})
    other = Client(pair.second, pair.side.secrets["owner"])
    assert (await other.send("POST", f"/webhooks/{hook['id']}/test", {})).status_code == 200
    assert pair.foreign.hooks
    await pair.change("POST", f"/webhooks/{hook['id']}/rotate", {})
    await pair.change("PATCH", f"/webhooks/{hook['id']}", {"state": "paused"})
    assert (await pair.look("/webhooks"))["items"][0]["state"] == "paused"
    await pair.change("DELETE", f"/webhooks/{hook['id']}")
    assert (await other.send("POST", f"/webhooks/{hook['id']}/test", {})).status_code == 404
    now = datetime.now(UTC)
    away = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=1)).isoformat()}
    lent = await pair.change("POST", "/delegations", {"to": "operator@acme.test", **away}, who="admin")
    assert lent["id"] in str(await pair.look("/delegations", "admin"))
    await pair.change("POST", f"/delegations/{lent['id']}/revoke", {}, who="admin")
    await pair.change("PATCH", "/notifications", {"mail": False}, who="operator")
    assert (await pair.look("/notifications", "operator"))["mail"] is False


async def how_is_recorded(pair: Pair) -> None:
    async def kept() -> object:
        await pair.customer()
        async with asyncio.timeout(SECONDS):
            while True:
                rows = (await pair.look("/audit?tool=get_customer&kind=read&limit=1"))["items"]
                if rows:
                    return rows[0]["arguments"]

    assert await kept() == {"customer_id": "C-1"}
    await pair.change("PATCH", "/audit-settings", {"arguments": "digest"})

    async def nothing() -> bool:
        return await kept() is None

    await soon(nothing)
    await pair.change("PATCH", "/audit-settings", {"arguments": "masked"})
    await pair.change("POST", "/audit/prune", {"before": (datetime.now(UTC) - timedelta(days=1)).isoformat()})
    assert (await pair.look("/audit?limit=1"))["items"]  # what is newer stays


async def contacts_and_whole_configurations(pair: Pair) -> None:
    document = await pair.look("/configuration")
    document = {**document, "profiles": [*document["profiles"], {"slug": "written-down"}]}
    await pair.change("POST", "/configuration", document)
    assert (await pair.look("/profiles/written-down"))["slug"] == "written-down"
    await pair.change("PATCH", "/contacts/C-2", {"language": "fr"}, who="agent")
    waiting = (await pair.look("/approvals"))["items"]
    assert any(one["arguments"].get("language") == "fr" for one in waiting)


CASES: tuple[Case, ...] = (
    policy_and_limits,
    who_is_told_and_who_may_answer,
    how_is_recorded,
    contacts_and_whole_configurations,
)
