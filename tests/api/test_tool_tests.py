"""Test Tool Call over REST: one tool of a real server, called by a person, before and after agents see it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.conftest import As
from tests.api.world import Json, Side, problem
from tests.hub.bundled import Bundled, tool
from tests.hub.remote import Remote, running
from tradepost.app import Tradepost

SECRET = "CANARY-echo-5521"
CALL = "/servers/tracker/tools/get_order/call"


class Echo(Bundled):
    """Says what it was given, its credential among it."""

    async def call(self, *args: Any, **options: Any) -> Any:
        result = await super().call(*args, **options)
        result.content.append({"type": "text", "text": f"my key is {SECRET}"})
        return result


@pytest.fixture
async def remote(as_: As) -> AsyncIterator[Remote]:
    """A server of others behind a bearer, discovered; none of its tools is approved."""
    async with running(Echo(), bearer=SECRET) as served:
        admin = as_("admin")
        credential = {"kind": "bearer", "token": SECRET}
        await admin.post("/servers", {"slug": "tracker", "url": served.url, "credential": credential})
        await admin.post("/servers/tracker/discover", status=200)
        yield served


async def _rows(as_: As, hub: Tradepost, request_id: str) -> list[Json]:
    await hub.audit.drain()
    found: list[Json] = (await as_("owner").get(f"/audit?request_id={request_id}"))["items"]
    return found


async def _carried_out(as_: As, approval: str) -> str:
    """What became of an approved write, once it has come to its end."""
    async with asyncio.timeout(30):
        while True:
            state = str((await as_("owner").get(f"/approvals/{approval}"))["state"])
            if state not in ("approved", "executing"):
                return state


async def _read(as_: As) -> None:
    await as_("admin").patch("/servers/tracker/tools/get_order", {"class": "read"})


@pytest.mark.behaviour("S0.10")
async def test_a_read_is_tried_before_it_is_approved(as_: As, hub: Tradepost, remote: Remote) -> None:
    """The result is the server's own, without the credential that it echoes; the record says that it was a test."""
    await _read(as_)
    done = await as_("admin").post(CALL, {"arguments": {"number": "7"}}, status=200)
    assert done["outcome"] == "succeeded"
    assert done["structured"]["arguments"] == {"number": "7"}
    assert SECRET not in str(done)
    assert done["server_ms"] <= done["duration_ms"]
    (row,) = await _rows(as_, hub, done["request_id"])
    assert (row["kind"], row["tool"], row["details"]["way"]) == ("read", "get_order", "test")
    assert row["user_id"] is not None
    assert (await as_("admin").get("/servers/tracker/tools/get_order"))["state"] == "unapproved"


async def test_arguments_are_held_to_the_definition(as_: As, remote: Remote) -> None:
    """To the discovered one, and where another one waits, to that which approving would pin."""
    await _read(as_)
    admin = as_("admin")
    wrong = problem(await admin.send("POST", CALL, {"arguments": {"number": 7}}), 400, "invalid_argument")
    assert wrong["field"] == "number"
    assert remote.server.calls == []
    await admin.post("/servers/tracker/tools/get_order/approve", {"class": "read"}, status=200)
    remote.server.tools[0] = tool("get_order", number={"type": "integer"})
    await admin.post("/servers/tracker/discover", status=200)
    assert (await admin.get("/servers/tracker/tools/get_order"))["state"] == "quarantined"
    done = await admin.post(CALL, {"arguments": {"number": 7}}, status=200)
    assert done["outcome"] == "succeeded"


async def test_who_may_try_what(as_: As, acme: Side, remote: Remote) -> None:
    """Admins all; a key with the scope what is enabled, as far as its own scopes go; nobody else anything."""
    await _read(as_)
    for role in ("operator", "viewer", "agent"):
        problem(await as_(role).send("POST", CALL, {}), 403, "forbidden_scope")
    admin = as_("admin")
    scopes = ["manage:tool_tests", "read:tools.tracker"]
    minted = await admin.post("/keys", {"user": "viewer@acme.test", "scopes": scopes})
    bare = await admin.post("/keys", {"user": "admin@acme.test", "scopes": ["manage:tool_tests"]})
    tester, narrow = as_(secret=minted["key"]), as_(secret=bare["key"])
    problem(await tester.send("POST", CALL, {"arguments": {}}), 403, "forbidden_scope")
    problem(await narrow.send("POST", CALL, {"arguments": {}}), 403, "forbidden_scope")
    await admin.post("/servers/tracker/tools/get_order/approve", {"class": "read"}, status=200)
    assert (await tester.post(CALL, {"arguments": {}}, status=200))["outcome"] == "succeeded"
    problem(await narrow.send("POST", CALL, {"arguments": {}}), 403, "forbidden_scope")
    write = CALL.replace("get_order", "add_note")
    problem(await tester.send("POST", write, {"arguments": {}}), 403, "forbidden_scope")
    problem(await as_("admin").send("POST", "/servers/hub/tools/get_approval/call", {}), 404, "not_found")


@pytest.mark.behaviour("S0.10", "S1.11")
async def test_a_write_waits_for_a_person_and_is_carried_out_once(as_: As, remote: Remote) -> None:
    """Also of a tool that nobody has approved; the same key is the same call; the outcome is recorded as a test."""
    admin, path = as_("admin"), CALL.replace("get_order", "add_note")
    body = {"arguments": {}, "idempotency_key": "try-1"}
    asked = await admin.post(path, body, status=200)
    assert asked["outcome"] == "approval_required"
    assert remote.server.calls == []
    again = await admin.post(path, body, status=200)
    assert again["structured"]["approval_id"] == asked["approval"]
    await as_("operator").post(f"/approvals/{asked['approval']}/approve", {}, status=200)
    assert await _carried_out(as_, asked["approval"]) == "succeeded"
    done = await admin.post(path, body, status=200)
    assert done["outcome"] == "succeeded"
    assert len(remote.server.calls) == 1
    rows = (await as_("owner").get(f"/audit?action_id={asked['approval']}"))["items"]
    kinds = {row["kind"]: row["details"].get("way") for row in rows if row["tag"] != "approval:approved"}
    assert kinds["intent"] == kinds["outcome"] == kinds["decision"] == "test"


async def test_what_was_asked_for_by_somebody_who_may_not_any_more_is_not_done(
    as_: As, acme: Side, remote: Remote
) -> None:
    admin, path = as_("admin"), CALL.replace("get_order", "add_note")
    asked = await admin.post(path, {"arguments": {}}, status=200)
    await as_("owner").patch(f"/users/{acme.users['admin']}", {"role": "operator"})
    await as_("owner").post(f"/approvals/{asked['approval']}/approve", {}, status=200)
    assert await _carried_out(as_, asked["approval"]) == "failed"
    assert remote.server.calls == []


async def test_what_nobody_can_call(as_: As, remote: Remote) -> None:
    """A server that is off, a tool that is gone, a tool and a server that never were."""
    await _read(as_)
    admin = as_("admin")
    del remote.server.tools[0]
    await admin.post("/servers/tracker/discover", status=200)
    problem(await admin.send("POST", CALL, {}), 409, "state_conflict")
    await admin.post("/servers/tracker/disable", status=200)
    problem(await admin.send("POST", CALL.replace("get_order", "add_note"), {}), 409, "state_conflict")
    for path in ("/servers/tracker/tools/nothing/call", "/servers/nothing/tools/get_order/call"):
        problem(await admin.send("POST", path, {}), 404, "not_found")


async def test_a_tool_of_the_shop_is_tried_like_any_other(as_: As) -> None:
    """Reads answer; a write needs a person whatever its tool; a dry run says what it would do."""
    admin = as_("admin")
    found = await admin.post(
        "/servers/customers/tools/get_customer/call", {"arguments": {"customer_id": "C-1"}}, status=200
    )
    assert found["structured"]["number"] == "C-1"
    path = "/servers/customers/tools/update_customer/call"
    missing = problem(await admin.send("POST", path, {"arguments": {}}), 400, "invalid_argument")
    assert missing["field"] == "customer_id"
    change = {"customer_id": "C-1", "language": "fr"}
    tried = await admin.post(path, {"arguments": {**change, "dry_run": True}}, status=200)
    assert tried["structured"]["status"] == "dry_run"
    assert (await admin.post(path, {"arguments": change}, status=200))["outcome"] == "approval_required"
