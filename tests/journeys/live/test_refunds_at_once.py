"""Refunds at once, through MCP, on a hub of two processes: of one payment no more goes back than was captured, and in
small ones no more than an agent may give back in a day, though a process is killed in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from sqlalchemy import select

from tests.processes import Place
from tradepost.database.engine import Database
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import find_agent, set_posture
from tradepost.hub.access.models import Profile, Workspace
from tradepost.hub.access.roles import system_caller

AGENT = "returns_specialist"
AT_ONCE, FIT = 50, 20
PAYMENTS = """SELECT p.id, p.currency, p.captured_minor - p.refunded_minor FROM payments p
WHERE p.workspace_id = %s AND p.captured_minor - p.refunded_minor BETWEEN 4000 AND 9000 AND p.currency = 'EUR'
AND p.refunded_minor = 0
AND NOT EXISTS (SELECT 1 FROM returns r WHERE r.order_id = p.order_id) ORDER BY p.id LIMIT 1"""

SMALL, A_DAY = 1_500, 25_000  # the built-in rule `refund-small` needs nobody up to this much a day
SPLIT, BEFORE_KILLED = 40, 8
SOME = """SELECT p.id FROM payments p WHERE p.workspace_id = %s AND p.captured_minor - p.refunded_minor > 4000
AND p.currency = 'EUR' AND p.refunded_minor = 0
AND NOT EXISTS (SELECT 1 FROM returns r WHERE r.order_id = p.order_id) ORDER BY p.id LIMIT 30"""
REFUNDED = "SELECT coalesce(sum(amount_minor), 0), count(*) FROM refunds WHERE workspace_id = %s"


async def guarded(place: Place) -> str:
    """The demo's workspace. Let the agents write without asking, but for what the built-in rules ask about."""
    database = Database(place.databases["TRADEPOST_HUB_URL"])
    async with database.system(write=False) as session:
        workspace = (await session.scalars(select(Workspace.id).where(Workspace.slug == "demo"))).one()
    async with database.transaction(workspace, write=True) as session:
        agent = await find_agent(session, AGENT)
        profile = await session.get_one(Profile, (workspace, agent.profile_id))
        await set_posture(session, system_caller(workspace, new_id("req")), profile.slug, "guarded")
    await database.close()
    return workspace


async def refunded(http: httpx2.AsyncClient, number: int, arguments: dict[str, Any]) -> dict[str, Any]:
    """The end of one refund, asked for as an agent does that is told to wait, or whose connection breaks."""
    params = {"name": "initiate_refund", "arguments": {**arguments, "idempotency_key": f"at-once-{number}"}}
    while True:
        try:
            response = await http.post(
                "/mcp", json={"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
            )
        except httpx2.TransportError:
            continue
        if response.status_code not in (429, 503):
            assert response.status_code == 200, response.text
            result: dict[str, Any] = response.json()["result"]
            if not (result.get("isError") and result["structuredContent"]["retryable"]):
                return result


@pytest.mark.two_processes
@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
async def test_fifty_refunds_of_one_payment_give_back_no_more_than_was_captured(place: Place) -> None:
    """S4.20, row 41: each is small enough to need nobody, and together they are two and a half times what there is."""
    workspace = await guarded(place)
    with psycopg.connect(place.databases["TRADEPOST_STORE_URL"], autocommit=True) as store:
        payment, currency, captured = store.execute(PAYMENTS, (workspace,)).fetchone() or ("none", "", 0)
        amount = captured // FIT
        with place.start("serve", env={"TRADEPOST_WORKERS": "2"}) as hub:
            await asyncio.to_thread(hub.wait_ready)
            headers = {"authorization": f"Bearer {place.key(AGENT)}", "accept": "application/json"}
            limits = httpx2.Limits(max_keepalive_connections=0)  # a connection each, so that both processes get some
            async with httpx2.AsyncClient(base_url=place.url, headers=headers, timeout=120, limits=limits) as http:
                asked = {"payment_id": payment, "amount_minor": amount, "currency": currency, "reason": "goodwill"}
                ends = await asyncio.gather(*(refunded(http, number, asked) for number in range(AT_ONCE)))
            assert hub.stop() == 0, hub.said()
        done = [end for end in ends if not end.get("isError")]
        codes = {end["structuredContent"]["code"] for end in ends if end.get("isError")}
        assert len(done) == captured // amount
        assert codes <= {"limit_exceeded", "state_conflict"}, codes
        assert {end["structuredContent"]["status"] for end in done} == {"succeeded"}
        kept = store.execute(
            "SELECT p.refunded_minor, sum(r.amount_minor), count(r.id) FROM payments p JOIN refunds r"
            " ON r.payment_id = p.id WHERE p.id = %s GROUP BY p.id, p.refunded_minor",
            (payment,),
        ).fetchone()
        assert kept == (len(done) * amount, len(done) * amount, len(done))
        assert len(done) * amount <= captured
    ended = "SELECT count(*) FROM actions WHERE tool_name = 'initiate_refund' AND state"
    assert place.query(f"{ended} = 'succeeded'") == len(done)
    assert place.query(f"{ended} = 'failed'") == AT_ONCE - len(done)


@pytest.mark.two_processes
@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
async def test_many_small_refunds_stay_within_the_day_though_a_process_is_killed(place: Place) -> None:
    """S1.11, S4.20: each is small enough to need nobody; what goes beyond the day's total asks a person."""
    workspace = await guarded(place)
    with psycopg.connect(place.databases["TRADEPOST_STORE_URL"], autocommit=True) as store:
        payments = [row[0] for row in store.execute(SOME, (workspace,))]
        before = store.execute(REFUNDED, (workspace,)).fetchone() or (0, 0)
        ends: list[str] = []
        enough = asyncio.Event()
        with place.start("serve", env={"TRADEPOST_WORKERS": "2"}) as hub:
            await asyncio.to_thread(hub.wait_ready)
            headers = {"authorization": f"Bearer {place.key(AGENT)}", "accept": "application/json"}
            limits = httpx2.Limits(max_keepalive_connections=0)

            async def one(http: httpx2.AsyncClient, number: int) -> None:
                asked = {"payment_id": payments[number % len(payments)], "amount_minor": SMALL, "currency": "EUR"}
                end = await refunded(http, number, {**asked, "reason": "goodwill"})
                ends.append(end["structuredContent"].get("status") or end["structuredContent"]["code"])
                if len(ends) == BEFORE_KILLED:
                    enough.set()

            async def kill() -> None:
                await enough.wait()
                supervisor = hub.process.pid
                children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
                os.kill(int(children[-1]), signal.SIGKILL)

            async with httpx2.AsyncClient(base_url=place.url, headers=headers, timeout=120, limits=limits) as http:
                await asyncio.gather(kill(), *(one(http, number) for number in range(SPLIT)))
            assert hub.stop() == 0, hub.said()
        after = store.execute(REFUNDED, (workspace,)).fetchone() or (0, 0)
    fit = A_DAY // SMALL
    assert sorted(ends) == ["approval_required"] * (SPLIT - fit) + ["succeeded"] * fit
    assert (after[0] - before[0], after[1] - before[1]) == (fit * SMALL, fit)
