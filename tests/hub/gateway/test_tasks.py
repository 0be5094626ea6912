"""A write that waits for a person, as a task: for clients that declared the extension, and for nobody else."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tests.hub.gateway.task_client import DECLARED, EXTENSION, TaskClient, another_key, connected, unknown_id
from tests.hub.gateway.world import Facts, World, opened, structured
from tradepost.foundation.clock import from_rfc3339
from tradepost.hub.actions.expiry import KEY_RETENTION
from tradepost.hub.actions.models import Action

Json = dict[str, Any]
METHODS = ("tasks/get", "tasks/update", "tasks/cancel")


@pytest.fixture
async def client(world: World) -> AsyncIterator[TaskClient]:
    async with connected(world) as client:
        yield client


async def approve(world: World, task: Json) -> None:
    await world.built.verdicts.approve(world.owner, task["taskId"])


async def set_action(world: World, **values: Any) -> None:
    async with world.changing() as session:
        await session.execute(update(Action).values(**values).execution_options(synchronize_session=False))


async def test_the_hub_announces_tasks(client: TaskClient):
    found = await client.result("server/discover", {})
    assert found["capabilities"]["extensions"] == {EXTENSION: {}}


async def test_a_write_that_waits_for_a_person_is_a_task_that_ends_with_its_result(world: World, client: TaskClient):
    task = await client.add_stock()
    assert (task["resultType"], task["status"]) == ("task", "working")
    assert "content" not in task
    assert task["pollIntervalMs"] >= 1000
    action = await world.only_action()
    assert task["taskId"] == action.id
    lasts = from_rfc3339(task["createdAt"]) + timedelta(milliseconds=task["ttlMs"])
    assert action.expires_at is not None
    assert abs(lasts - action.expires_at) < timedelta(seconds=1)
    preview = task["_meta"]["io.tradepost/approval"]["preview"]
    assert preview["changes"][0] == {"record": "A1", "field": "quantity", "before": 5, "after": 25}

    waiting = await client.get(task["taskId"])
    assert (waiting["resultType"], waiting["status"]) == ("complete", "working")
    assert "approval" in waiting["statusMessage"]
    await approve(world, task)
    assert (await client.get(task["taskId"]))["status"] == "working"
    await world.executor.run_due()
    done = await client.get(task["taskId"])
    assert done["status"] == "completed"
    assert done["result"]["resultType"] == "complete"
    assert structured(done["result"])["quantity"] == 25
    assert from_rfc3339(done["createdAt"]) + timedelta(milliseconds=done["ttlMs"]) > lasts
    assert await client.get(task["taskId"]) == done
    assert len(world.shop.effects()) == 1


async def test_the_same_call_again_is_the_same_task(world: World, client: TaskClient):
    task = await client.add_stock()
    assert (await client.add_stock())["taskId"] == task["taskId"]
    await approve(world, task)
    await world.executor.run_due()
    again = await client.add_stock()
    assert again["resultType"] == "complete"
    assert again["_meta"]["io.tradepost/replayed"] is True


async def test_what_is_answered_at_once_is_no_task(client: TaskClient):
    read = await client.call("get_stock", sku="A1")
    assert (read["resultType"], read["isError"]) == ("complete", False)
    refused = await client.add_stock(sku="nowhere")
    assert (refused["resultType"], refused["isError"]) == ("complete", True)


async def test_a_client_that_did_not_declare_tasks_keeps_what_it_has(client: TaskClient):
    for capabilities in ({}, {"tasks": {}}, {"extensions": {}}, {"extensions": {EXTENSION: None}}):
        plain = client.other(capabilities=capabilities)
        asked = structured(await plain.add_stock())
        assert asked["status"] == "approval_required", capabilities
        for method in METHODS:
            status, error = await plain.refused(method, asked["approval_id"])
            assert (status, error["code"]) == (400, -32021)
            assert error["data"]["requiredCapabilities"] == DECLARED
    response = await client.other(capabilities={}).send("subscriptions/listen", {"notifications": {"taskIds": ["x"]}})
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32021)


async def test_the_older_era_has_no_tasks(world: World, client: TaskClient):
    headers = {"authorization": f"Bearer {client.key}", "accept": "application/json"}

    async def bare(method: str, params: Json) -> Json:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer: Json = (await client.http.post(f"{client.url}/mcp", headers=headers, json=body)).json()
        return answer

    params = {"protocolVersion": "2025-11-25", "capabilities": DECLARED, "clientInfo": {"name": "c", "version": "1"}}
    agreed = (await bare("initialize", params))["result"]
    assert "tasks" not in agreed["capabilities"]
    assert "extensions" not in agreed["capabilities"]
    arguments = {"sku": "A1", "quantity": 1, "idempotency_key": "k1"}
    meta = {"io.modelcontextprotocol/clientCapabilities": DECLARED}
    called = await bare("tools/call", {"name": "add_stock", "arguments": arguments, "task": {"ttl": 1}, "_meta": meta})
    assert structured(called["result"])["status"] == "approval_required"
    assert (await bare("tasks/get", {"taskId": (await world.only_action()).id}))["error"]["code"] == -32601


async def test_a_rejection_ends_the_task_with_its_reason(world: World, client: TaskClient):
    task = await client.add_stock()
    await world.built.verdicts.reject(world.owner, task["taskId"], "Too many.")
    done = await client.get(task["taskId"])
    assert (done["status"], done["result"]["isError"]) == ("completed", True)
    assert done["result"]["structuredContent"]["code"] == "state_conflict"
    assert "Too many." in done["result"]["content"][0]["text"]
    assert world.shop.effects() == []


async def test_a_task_that_nobody_answers_in_time_ends(world: World, client: TaskClient):
    task = await client.add_stock()
    await set_action(world, expires_at=Action.created_at)
    await world.executor.sweep()
    done = await client.get(task["taskId"])
    assert (done["status"], done["result"]["isError"]) == ("completed", True)
    assert "expired" in done["statusMessage"]


async def test_a_call_that_fails_completes_the_task_with_the_error(world: World, client: TaskClient):
    task = await client.call("pay_out", sku="A1", quantity=5, idempotency_key="k1")
    for person in (world.owner, await world.user("operator")):
        if (await world.action(task["taskId"])).state == "pending":
            await world.built.verdicts.approve(person, task["taskId"])
    world.shop.put(world.workspace_id, "A1", 1)
    await world.executor.run_due()
    done = await client.get(task["taskId"])
    assert (done["status"], done["result"]["isError"]) == ("completed", True)
    assert "Only 1 are there" in done["result"]["content"][0]["text"]


async def test_a_canceled_task_is_never_carried_out(world: World, client: TaskClient):
    pending, approved = await client.add_stock("k1"), await client.add_stock("k2")
    await approve(world, approved)
    for task in (pending, approved):
        assert "status" not in await client.cancel(task["taskId"])
    await world.executor.run_due()
    for task in (pending, approved):
        assert (await client.get(task["taskId"]))["status"] == "cancelled"
        assert "status" not in await client.cancel(task["taskId"])
    assert world.shop.effects() == []
    rows = [row for row in await world.audited() if row.tag == "approval:withdrawn"]
    agent = (await world.agent()).principal.id
    assert [(row.action_id, row.principal_id) for row in rows] == [
        (pending["taskId"], agent),
        (approved["taskId"], agent),
    ]

    done = await client.add_stock("k3")
    await approve(world, done)
    await world.executor.run_due()
    await client.cancel(done["taskId"])
    assert (await client.get(done["taskId"]))["status"] == "completed"


async def test_answers_that_nobody_asked_for_are_taken_and_change_nothing(world: World, client: TaskClient):
    task = await client.add_stock()
    acknowledged = await client.update(task["taskId"], {"approve": {"action": "accept", "content": {}}})
    assert acknowledged["resultType"] == "complete"
    assert (await world.action(task["taskId"])).state == "pending"
    response = await client.send("tasks/update", {"taskId": task["taskId"]}, task["taskId"])
    assert response.json()["error"]["code"] == -32602


async def test_only_the_key_that_made_a_task_sees_it(world: World, client: TaskClient):
    task = await client.add_stock()
    for stranger in (await another_key(world), await another_key(world, world.facts.other_agent_id)):
        for method in METHODS:
            foreign = await client.other(stranger).refused(method, task["taskId"])
            assert foreign == await client.refused(method, unknown_id())
            assert (foreign[0], foreign[1]["code"]) == (400, -32602)
    assert (await world.action(task["taskId"])).state == "pending"


async def test_a_task_whose_time_is_over_is_unknown(world: World, client: TaskClient):
    task = await client.add_stock()
    await approve(world, task)
    await world.executor.run_due()
    finished = (await world.only_action()).finished_at
    assert finished is not None
    await set_action(world, finished_at=finished - KEY_RETENTION - timedelta(seconds=1))
    for method in METHODS:
        assert await client.refused(method, task["taskId"]) == await client.refused(method, unknown_id())


async def test_the_header_names_the_task(client: TaskClient):
    task = await client.add_stock()
    for named in (None, unknown_id()):
        response = await client.send("tasks/get", {"taskId": task["taskId"]}, named)
        assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)


async def test_a_task_survives_a_restart(facts: Facts):
    async with opened(facts) as world, connected(world) as client:
        task = await client.add_stock()
    async with opened(facts) as world, connected(world) as client:
        assert (await client.get(task["taskId"]))["status"] == "working"
        await approve(world, task)
        await world.executor.run_due()
    async with opened(facts) as world, connected(world) as client:
        assert structured((await client.get(task["taskId"]))["result"])["quantity"] == 25


async def test_a_call_that_is_still_being_carried_out_is_a_task(facts: Facts):
    async with opened(facts, wait_seconds=0.01) as world, connected(world) as client:
        task = await client.add_stock()
        await approve(world, task)
        again = await client.add_stock()
    assert (again["resultType"], again["taskId"]) == ("task", task["taskId"])


async def test_a_client_that_listens_hears_how_its_tasks_stand(world: World, client: TaskClient):
    task = await client.add_stock()
    stranger = client.other(await another_key(world))
    async with stranger.listening(task["taskId"]) as ear:
        acknowledged = await ear.next()
        assert acknowledged is not None
        assert acknowledged["params"]["notifications"] == {}
    async with client.listening(task["taskId"], unknown_id()) as ear:
        acknowledged, now = await ear.next(), await ear.next()
        assert acknowledged is not None
        assert acknowledged["params"]["notifications"] == {"taskIds": [task["taskId"]]}
        assert now is not None
        assert (now["method"], now["params"]["status"]) == ("notifications/tasks", "working")
        assert now["params"]["_meta"] == {"io.modelcontextprotocol/subscriptionId": 9}
        await approve(world, task)
        await world.executor.run_due()
        told = now
        while told is not None and told["params"]["status"] == "working":
            told = await ear.next()
        assert told is not None
        same = await client.get(task["taskId"])
        assert {name: told["params"][name] for name in ("taskId", "status", "result")} == {
            name: same[name] for name in ("taskId", "status", "result")
        }


async def test_every_question_about_a_task_is_recorded(world: World, client: TaskClient):
    task = await client.add_stock()
    await client.get(task["taskId"])
    await client.refused("tasks/get", unknown_id())
    rows = [row for row in await world.audited() if row.tag.startswith("task:")]
    assert [(row.kind, row.tag, row.tool, row.action_id, row.error_code) for row in rows] == [
        ("read", "task:get", "add_stock", task["taskId"], None),
        ("refused", "task:get", None, None, "not_found"),
    ]
