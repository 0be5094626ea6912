"""Approvals at a hub of two processes, on both engines: waiting for them, and those who would get round them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from tests.journeys.live.prepared import Prepared
from tests.journeys.live.two import AGENT, Two, mails, send, value
from tradepost.hub.access.agents import set_agent_active
from tradepost.hub.access.people import disable_user, set_role
from tradepost.hub.actions.models import Action

pytestmark = pytest.mark.two_processes
ORDER = "88213"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def two(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    copy = prepared.copy(tmp_path_factory.mktemp("two") / "data")
    with mails() as box:
        mail = {"TRADEPOST_NOTIFY_MAIL_URL": f"smtp://127.0.0.1:{box.port}?from=hub@x.test"}
        given = {**mail, "TRADEPOST_WORKERS": "2", "TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"}
        with copy.start("serve", env=given) as hub:
            hub.wait_until(lambda: "The hub serves" in hub.said()).wait_ready()
            yield Two(copy, box, copy.query("SELECT id FROM workspaces WHERE slug = 'demo'"))
            assert "Traceback" not in hub.said(), hub.said()
    prepared.drop(copy)


def note(text: str, key: str) -> str:
    return json.dumps({"order_id": ORDER, "note": text, "idempotency_key": key}, ensure_ascii=False)


async def ask(http: httpx2.AsyncClient, text: str, key: str) -> str:
    """An action that waits: a note on an order. Its id."""
    asked = value(await send(http, "add_order_note", note(text, key)))
    assert asked["status"] == "approval_required"
    return str(asked["approval_id"])


async def notes(http: httpx2.AsyncClient) -> list[str]:
    shown = value(await send(http, "get_order", json.dumps({"order_id": ORDER, "include": ["notes"]})))
    return [str(one["body"]) for one in shown["notes"]]


async def added(http: httpx2.AsyncClient, before: list[str], text: str) -> bool:
    """Whether exactly this note was added, once."""
    new = [one for one in await notes(http) if one not in before]
    return len(new) == 1 and text in new[0]


async def wait_for(http: httpx2.AsyncClient, action: str, seconds: Any = 25) -> Json:
    return await send(http, "get_approval", json.dumps({"approval_id": action, "wait_seconds": seconds}))


async def test_whoever_waits_hears_the_end_as_soon_as_it_is_there(two: Two):
    ann = await two.person()
    async with two.client(two.place.key(AGENT)) as agent, two.client(ann.key) as person:
        asked = [await ask(agent, f"waited {number}", f"waited-{number}") for number in range(4)]
        waiting = [asyncio.create_task(wait_for(agent, action)) for action in asked for _ in range(2)]
        for number, action in enumerate(asked):
            verb = "reject" if number == 3 else "approve"
            assert (await person.post(f"/api/v1/approvals/{action}/{verb}", json={})).status_code == 200
        ended = [value(one)["status"] for one in await asyncio.gather(*waiting)]
        assert ended == ["succeeded"] * 6 + ["rejected"] * 2
        assert value(await wait_for(agent, asked[0]))["status"] == "succeeded", "what has ended is told at once"
        unanswered = await ask(agent, "nobody answers", "waited-none")
        assert value(await wait_for(agent, unanswered, 1))["status"] == "pending"
        for wrong in (26, -1, "5", 1.5, True, None):
            refused = (await wait_for(agent, unanswered, wrong))["structuredContent"]
            assert refused["code"] == "invalid_argument", wrong
        many = [asyncio.create_task(wait_for(agent, unanswered)) for _ in range(40)]
        assert await notes(agent), "those who wait leave room for others"
        async with two.changing() as (session, by):
            await set_agent_active(session, by, AGENT, False)
        try:
            assert (await person.post(f"/api/v1/approvals/{unanswered}/reject", json={})).status_code == 200
            told = [one["structuredContent"] for one in await asyncio.gather(*many)]
        finally:
            async with two.changing() as (session, by):
                await set_agent_active(session, by, AGENT, True)
        assert {one.get("status") for one in told} <= {"pending", None}, "who was shut out meanwhile hears nothing"
        assert sum(one.get("code") == "unauthenticated" for one in told) >= 16


async def carried_out(two: Two, agent: httpx2.AsyncClient, person: httpx2.AsyncClient, action: str) -> None:
    assert (await person.post(f"/api/v1/approvals/{action}/approve", json={})).status_code == 200
    assert value(await wait_for(agent, action))["status"] == "succeeded"


DISGUISES = {
    "another value": note("refund nothing", "dis"),
    "letter case": note("Caf\u00e9 at the corner", "dis"),
    "decomposed letters": note("cafe\u0301 at the corner", "dis"),
    "another letter that looks the same": note("c\u0430f\u00e9 at the corner", "dis"),
    "white space inside": note("caf\u00e9 at  the corner", "dis"),
    "white space at the end": note("caf\u00e9 at the corner ", "dis"),
    "something hidden": note("caf\u00e9 at the corner\u200b", "dis"),
    "one more field": note("caf\u00e9 at the corner", "dis")[:-1] + ',"force":true}',
    "the same name twice": note("caf\u00e9 at the corner", "dis")[:-1] + ',"note":"refund all"}',
    "a nested value": '{"order_id":"88213","note":{"text":"caf\u00e9 at the corner"},"idempotency_key":"dis"}',
    "nothing": '{"order_id":"88213","note":null,"idempotency_key":"dis"}',
    "left out": '{"order_id":"88213","idempotency_key":"dis"}',
    "a number for a text": '{"order_id":88213,"note":"caf\u00e9 at the corner","idempotency_key":"dis"}',
}
SAME = {
    "another order": '{"note":"caf\u00e9 at the corner","idempotency_key":"dis","order_id":"88213"}',
    "another spelling": '{ "order_id" : "88213",\n"note":"caf\\u00e9 at the corner","idempotency_key":"dis" }',
}
NUMBERS = ("100", "100.0", "1e2", "1E+2")


async def test_nothing_but_what_was_shown_is_carried_out_whatever_is_sent_under_its_key(two: Two):
    """Row 11: before the approval, between it and the deed, and afterwards."""
    ann = await two.person()
    async with two.client(two.place.key(AGENT)) as agent, two.client(ann.key) as person:
        before = await notes(agent)
        action = await ask(agent, "caf\u00e9 at the corner", "dis")
        for approved in (False, True):
            if approved:
                await carried_out(two, agent, person, action)
            told = await asyncio.gather(*(send(agent, "add_order_note", one) for one in DISGUISES.values()))
            for name, said in zip(DISGUISES, told, strict=True):
                assert said["isError"], name
                assert said["structuredContent"]["code"] in ("idempotency_conflict", "invalid_argument", -32700), name
            for name, one in SAME.items():
                same = value(await send(agent, "add_order_note", one))
                assert approved or same["approval_id"] == action, name
        assert await added(agent, before, "caf\u00e9 at the corner")
        shown = (await person.get(f"/api/v1/approvals/{action}")).json()
        assert shown["arguments"]["note"] == "caf\u00e9 at the corner"

        stock = {"sku": "A-100", "warehouse_id": "RTM", "reason": "near stockout", "idempotency_key": "dis-number"}
        texts = [json.dumps(stock)[:-1] + f',"quantity":{number}}}' for number in NUMBERS]
        ids = {value(await send(agent, "create_reorder", one))["approval_id"] for one in texts}
        assert len(ids) == 1, "the same number is the same, however it is written"
        for other in ("101", "1e3", "100.5", '"100"', "100.00000000000001", "true", "1e400"):
            said = await send(agent, "create_reorder", json.dumps(stock)[:-1] + f',"quantity":{other}}}')
            assert said["isError"], other


async def test_however_many_answer_at_once_it_is_carried_out_once(two: Two):
    """Row 12: a double click, two people, REST, a page and a link of a mail, in both processes."""
    ann, ben = await two.person(), await two.person()
    async with two.client(two.place.key(AGENT)) as agent, two.client(ann.key) as first, two.client(ben.key) as second:
        before = await notes(agent)
        action = await ask(agent, "clicked often", "clicks")
        async with asyncio.timeout(60):
            while action not in str(two.box.mails) and not {ann.email, ben.email} <= two.box.links().keys():
                await asyncio.to_thread(two.place.pause)
        with two.browser() as page, two.browser() as link:
            await page.sign_in(ann.email)
            path, by_link = f"/approvals/{action}", two.box.links()[ben.email]
            for _ in range(3):  # whatever follows links in mails
                assert (await link.http.head(by_link)).status_code == 200
                await link.get(by_link)
            await page.get(path)
            fingerprint = (await first.get(f"/api/v1/approvals/{action}")).json()["fingerprint"]
            seen = {"round": "1", "fingerprint": fingerprint, "answer": "approve"}
            for headers in ({"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}):
                for browser, where in ((page, path), (link, by_link)):
                    assert (await browser.post(where, headers, **seen)).status_code == 403
                bare = await page.http.post(f"/api/v1{path}/approve", headers=headers, json={})
                assert bare.status_code in (401, 403), "a cookie is no key"
            assert (await first.get(f"/api/v1{path}")).json()["state"] == "pending"
            rest = f"/api/v1/approvals/{action}/approve"
            sent = [one.post(rest, json={}) for one in (first, second) for _ in range(4)]
            clicks = [page.post(path, **seen), page.post(path, **seen), link.post(by_link, **seen)]
            answers = await asyncio.gather(*sent, *clicks)
        good = [one.status_code for one in answers if one.status_code in (200, 303)]
        assert len(good) == 1, [one.status_code for one in answers]
        assert {one.status_code for one in answers} - set(good) <= {404, 409}
        assert value(await wait_for(agent, action))["status"] == "succeeded"
        assert await added(agent, before, "clicked often")
        replayed = await asyncio.gather(*(one.post(rest, json={}) for one in (first, second)))
        assert [one.status_code for one in replayed] == [409, 409]
        assert len((await first.get(f"/api/v1{path}")).json()["verdicts"]) == 1


async def test_who_may_not_answer_any_more_or_never_might_does_not(two: Two):
    """Rows 13 and 15: an agent, a viewer, somebody demoted or shut out since they opened it, one too late."""
    ann, ben, vic = await two.person(), await two.person(), await two.person("viewer")
    async with (
        two.client(two.place.key(AGENT)) as agent,
        two.client(ann.key) as first,
        two.client(ben.key) as second,
        two.client(vic.key) as viewer,
    ):
        before = await notes(agent)
        action = await ask(agent, "never", "nobody")
        path, rest = f"/approvals/{action}", f"/api/v1/approvals/{action}/approve"
        with two.browser() as page:
            await page.sign_in(ann.email)
            await page.get(path)
            seen = {"round": "1", "answer": "approve"}
            seen["fingerprint"] = (await first.get(f"/api/v1{path}")).json()["fingerprint"]
            async with two.changing() as (session, by):
                await set_role(session, by, ann.email, "viewer")
                await disable_user(session, by, ben.email)
            refused = [page.post(path, **seen), *(one.post(rest, json={}) for one in (agent, viewer, first, second))]
            statuses = [one.status_code for one in await asyncio.gather(*refused)]
        assert set(statuses) <= {401, 403}, statuses
        stale = {"round": 2, "fingerprint": seen["fingerprint"]}
        cat = await two.person()
        async with two.client(cat.key) as third:
            assert (await third.post(rest, json=stale)).status_code == 409
            assert (await third.post(rest, json={"round": 1, "fingerprint": "sha256:other"})).status_code == 409
            async with two.changing() as (session, _):
                past = {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}
                await session.execute(update(Action).where(Action.id == action).values(**past))
            assert (await third.post(rest, json={})).status_code == 409
        assert value(await wait_for(agent, action))["status"] == "expired"
        assert await notes(agent) == before


async def test_two_people_are_two_people_however_one_comes(two: Two):
    """Four eyes: whoever asked is not one of them, and nobody counts twice, by another door or another's right."""
    ann, ben = await two.person(), await two.person()
    rule = two.place.run("policy", "add", "four-eyes", "ask", "tool=add_order_note", "approvals=2", "-m", "by two")
    rule.good()
    try:
        async with (
            two.client(two.place.key(AGENT)) as agent,
            two.client(ann.key) as first,
            two.client(ben.key) as other,
        ):
            before = await notes(agent)
            action = await ask(agent, "by two", "two")
            rest = f"/api/v1/approvals/{action}/approve"
            with two.browser() as page:
                await page.sign_in(ann.email)
                await page.get(f"/approvals/{action}")
                fingerprint = (await first.get(f"/api/v1/approvals/{action}")).json()["fingerprint"]
                seen = {"round": "1", "fingerprint": fingerprint, "answer": "approve"}
                answers = await asyncio.gather(
                    *(first.post(rest, json={}) for _ in range(4)), page.post(f"/approvals/{action}", **seen)
                )
            assert sorted(one.status_code in (200, 303) for one in answers) == [False] * 4 + [True]
            until = {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-12-31T00:00:00Z"}
            assert value(await wait_for(agent, action, 0))["status"] == "pending"
            handed = await other.post("/api/v1/delegations", json={"to": ann.id, **until})
            assert handed.status_code in (201, 400), handed.text
            assert (await first.post(rest, json={})).status_code in (403, 409), (
                "with another's right it is the same person"
            )
            await carried_out(two, agent, other, action)
            assert await added(agent, before, "by two")
    finally:
        two.place.run("policy", "remove", "four-eyes").good()
