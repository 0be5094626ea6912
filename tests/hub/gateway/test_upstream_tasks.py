"""A server's own tasks: passed on to clients with the extension, followed to their end, and kept from others."""

import ipaddress
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.responses import Response

from tests.hub.gateway.task_client import TaskClient, another_key, connected, unknown_id
from tests.hub.gateway.task_server import EXTENSION, SECRET, WORKING, TaskServer, result, text
from tests.hub.gateway.test_killed import leases_end
from tests.hub.gateway.world import Facts, World, opened, structured, trust
from tests.hub.upstreams.test_talk import Client
from tests.protocol.conftest import served
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import set_posture
from tradepost.hub.actions.expiry import KEY_RETENTION
from tradepost.hub.actions.models import Action
from tradepost.hub.registration.assignments import unassign
from tradepost.hub.registration.injection import change_rules
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams import task_waits
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.dispatch import Upstreams
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import Vault, open_vault
from tradepost.protocol.hosting import CallExtras

Json = dict[str, Any]
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


@dataclass
class Scene:
    """A client, the hub, and behind it a server with the tools `render` (a read) and `ship` (a write)."""

    world: World
    server: TaskServer
    client: TaskClient


@asynccontextmanager
async def staged(facts: Facts, directory: Path, server: TaskServer, url: str) -> AsyncIterator[Scene]:
    """As after a restart, when it is entered again."""
    async with opened(facts, secret=b"k" * 32, wait_seconds=0.01) as world, connected(world) as client:
        vault = await open_vault(world.database, directory / "vault.keys")
        world.servers.real = Upstreams({}, Connections(vault, Guard([ipaddress.ip_network("127.0.0.0/8")])))
        async with world.changing() as session:
            known = await session.scalar(select(Server).where(Server.slug == "foreign"))
        if known is None:
            await register(world, vault, url)
        yield Scene(world, server, client)
        await world.servers.real.close()


async def register(world: World, vault: Vault, url: str) -> None:
    async with world.changing() as session:
        made = Server(id=new_id("srv"), slug="foreign", name="Foreign", kind="remote", status="ready", url=url)
        session.add(made)
        await session.flush()
        await vault.replace(session, made.id, [Header("Authorization", f"Bearer {SECRET}")])
        await set_posture(session, world.admin, "internal", "guarded")
    await world.add_remote("render", "read")
    await world.add_remote("ship")
    await trust(world)


@pytest.fixture
async def scene(facts: Facts, tmp_path: Path) -> AsyncIterator[Scene]:
    server = TaskServer()
    async with served(server) as base, staged(facts, tmp_path, server, f"{base}/mcp") as scene:
        yield scene


def in_both(test: Callable[[Scene, str], Awaitable[None]]) -> Callable[[Scene], Awaitable[None]]:
    """The same for the read and then for the write, in one scene."""

    @wraps(test)
    async def twice(scene: Scene) -> None:
        for tool in ("render", "ship"):
            scene.server.tasks.clear()
            scene.server.heard.clear()
            await test(scene, tool)

    del twice.__wrapped__  # type: ignore[attr-defined]
    return twice


async def outcomes(scene: Scene) -> list[tuple[str | None, str | None]]:
    return [(row.outcome, row.error_code) for row in await scene.world.audited() if row.kind == "outcome"]


@in_both
async def test_a_task_of_a_server_is_passed_on_and_ends_with_its_result(scene: Scene, tool: str):
    task = await scene.client.call(tool, parcel="7")
    assert (task["resultType"], task["status"]) == ("task", "working")
    assert "theirs" not in json.dumps(task)
    assert (task["statusMessage"], task["pollIntervalMs"]) == ("Half way.", 250)

    waiting = await scene.client.get(task["taskId"])
    assert (waiting["status"], waiting["taskId"]) == ("working", task["taskId"])
    assert scene.server.said("tasks/get")[0]["taskId"] == "theirs-1"
    said = f"sealed\u200b {SECRET}"
    scene.server.end(status="completed", ttlMs=600_000, result=text(said, structuredContent={"note": said}))
    done = await scene.client.get(task["taskId"])
    assert done["status"] == "completed"
    result = done["result"]
    assert (result["resultType"], result["isError"]) == ("complete", False)
    assert result["content"][0]["text"].startswith("sealed ")
    assert SECRET not in json.dumps(done)
    assert "\u200b" not in json.dumps(done, ensure_ascii=False)
    label = {"server": "foreign", "tool": tool, "trust": "external", "removed_characters": 2}
    assert result["_meta"]["io.tradepost/source"] == label
    assert (await scene.client.get(task["taskId"]))["result"] == result
    if tool == "ship":
        assert await outcomes(scene) == [("succeeded", None)]
        assert len(scene.server.said("tasks/get")) == 2, "what is recorded needs no server"


async def test_a_server_hears_of_tasks_only_for_clients_that_have_them(scene: Scene):
    plain = scene.client.other(capabilities={})
    assert (await plain.call("render"))["content"][0]["text"] == "done at once"
    assert (await scene.world.call("render"))["content"][0]["text"] == "done at once"
    assert [params["_meta"][CAPABILITIES] for params in scene.server.said("tools/call")] == [{}, {}]
    await scene.client.call("render")
    assert scene.server.said("tools/call")[-1]["_meta"][CAPABILITIES] == {"extensions": {EXTENSION: {}}}


async def test_a_server_that_announces_no_tasks_hears_nothing_of_them(scene: Scene):
    scene.server.announces = False
    assert (await scene.client.call("render"))["content"][0]["text"] == "done at once"


async def test_a_server_that_insists_on_tasks_serves_clients_without_them(scene: Scene):
    """The hub waits in their place, and asks them what the server asks."""
    scene.server.insists = True
    scene.server.begins = {"status": "completed", "result": text(f"done {SECRET}")}
    plain = scene.client.other(capabilities={})
    for tool in ("render", "ship"):
        done = await plain.call(tool)
        assert (done["resultType"], done["isError"]) == ("complete", False)
        assert done["content"][0]["text"].startswith("done ")
        assert SECRET not in json.dumps(done)
        assert "done" in (await scene.world.call(tool))["content"][0]["text"]
    assert await outcomes(scene) == [("succeeded", None)] * 2
    scene.server.begins = {"status": "failed", "error": {"code": -32603, "message": "no paper"}}
    failed = await plain.call("ship")
    assert (failed["isError"], failed["structuredContent"]["details"]["server_code"]) == (True, -32603)
    assert (await outcomes(scene))[-1][0] == "failed"
    question = {"method": "elicitation/create", "params": {"message": "Colour?"}}
    scene.server.begins = {"status": "input_required", "inputRequests": {"colour": question}}
    assert "elicitation/create" in (await plain.call("render"))["content"][0]["text"]
    assert len(scene.server.said("tasks/cancel")) == 1
    older = Client(asks=True)
    extras = CallExtras(client_capabilities={"elicitation": {}}, channel=older)
    answered = await scene.world.door.call(await scene.world.agent(), "render", {}, extras=extras)
    assert "red" in answered["content"][0]["text"]
    assert [asked["message"] for asked in older.asked] == ["Colour?"]


async def test_a_task_takes_no_longer_than_a_call_may(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """A read is given up then; a write goes on, and its end is recorded."""
    monkeypatch.setattr(task_waits, "LONGEST_POLL_MS", 3_600_000)  # the next look would be after the end of the call
    scene.server.insists = True
    scene.server.begins = {**WORKING, "pollIntervalMs": 3_600_000}
    plain = scene.client.other(capabilities={})
    late = await plain.call("render")
    assert (late["isError"], late["structuredContent"]["code"]) == (True, "upstream_timeout")
    assert scene.server.tasks["theirs-1"]["status"] == "cancelled"
    waiting = (await plain.call("ship"))["structuredContent"]
    assert waiting["code"] == "in_progress"
    scene.server.tasks["theirs-2"] = {"status": "completed", "result": text("shipped")}
    await leases_end(scene.world)
    await scene.world.executor.run_due()
    shown = structured(await scene.world.call("get_approval", approval_id=waiting["details"]["approval_id"]))
    assert shown["status"] == "succeeded"


@in_both
async def test_only_the_key_that_made_the_call_can_ask_the_server(scene: Scene, tool: str):
    task = await scene.client.call(tool)
    stranger = scene.client.other(await another_key(scene.world))
    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        assert await stranger.refused(method, task["taskId"]) == await stranger.refused(method, unknown_id())
    changed = task["taskId"][:-1] + ("A" if task["taskId"][-1] != "A" else "B")
    assert (await scene.client.refused("tasks/get", changed))[1]["code"] == -32602
    assert [method for method, _ in scene.server.heard] == ["tools/call"]


@in_both
async def test_an_error_completes_the_task(scene: Scene, tool: str):
    task = await scene.client.call(tool)
    scene.server.end(status="failed", ttlMs=None, error={"code": -32603, "message": f"no paper {SECRET}"})
    done = await scene.client.get(task["taskId"])
    assert (done["status"], done["result"]["isError"]) == ("completed", True)
    assert "no paper" in json.dumps(done["result"])
    assert SECRET not in json.dumps(done)
    if tool == "ship":
        assert (await scene.world.only_action()).state == "failed"


@in_both
async def test_a_cancelation_reaches_the_server(scene: Scene, tool: str):
    task = await scene.client.call(tool)
    assert "status" not in await scene.client.cancel(task["taskId"])
    for _ in range(2):
        canceled = await scene.client.get(task["taskId"])
        assert canceled["status"] == "cancelled"
        assert "result" not in canceled
    if tool == "ship":
        assert await outcomes(scene) == [("failed", "canceled")]


@in_both
async def test_questions_of_a_task_are_answered_by_an_update(scene: Scene, tool: str):
    task = await scene.client.call(tool)
    question = {"method": "elicitation/create", "params": {"message": f"Colour? {SECRET}"}}
    scene.server.end(status="input_required", ttlMs=None, inputRequests={"colour": question})
    status, error = await scene.client.refused("tasks/get", task["taskId"])
    assert (status, error["code"], error["data"]["requiredCapabilities"]) == (400, -32021, {"elicitation": {}})
    client = scene.client.other(capabilities={**scene.client.capabilities, "elicitation": {}})
    asked = await client.get(task["taskId"])
    assert asked["status"] == "input_required"
    assert asked["inputRequests"]["colour"]["params"]["message"].startswith("Colour?")
    assert SECRET not in json.dumps(asked)
    assert "status" not in await client.update(task["taskId"], {"colour": "red"})
    assert (await client.get(task["taskId"]))["result"]["content"][0]["text"] == "red"


@in_both
async def test_a_task_that_its_server_forgot(scene: Scene, tool: str):
    task = await scene.client.call(tool)
    scene.server.tasks.clear()
    if tool == "render":
        assert await scene.client.refused("tasks/get", task["taskId"]) == await scene.client.refused(
            "tasks/get", unknown_id()
        )
        return
    done = await scene.client.get(task["taskId"])
    assert (done["status"], done["result"]["isError"]) == ("completed", True)
    assert "unknown" in done["result"]["content"][0]["text"]
    assert (await scene.world.only_action()).state == "unknown"


async def test_a_server_that_is_down_for_a_while_ends_nothing(scene: Scene):
    task = await scene.client.call("ship")
    scene.server.down = True
    await scene.client.refused("tasks/get", task["taskId"])
    await leases_end(scene.world)
    assert await scene.world.executor.run_due() == 1
    assert (await scene.world.only_action()).state == "executing"
    scene.server.down = False
    assert (await scene.client.get(task["taskId"]))["status"] == "working"


async def test_a_write_whose_client_is_gone_is_followed_to_its_end(scene: Scene):
    await scene.client.call("ship")
    await leases_end(scene.world)
    assert await scene.world.executor.run_due() == 1
    assert (await scene.world.only_action()).state == "executing"
    assert await scene.world.executor.run_due() == 0, "the next look is in a while"
    scene.server.end(status="completed", ttlMs=None, result=text("shipped"))
    await leases_end(scene.world)
    await scene.world.executor.run_due()
    assert (await scene.world.only_action()).state == "succeeded"
    assert await outcomes(scene) == [("succeeded", None)]
    assert len(scene.server.said("tools/call")) == 1


async def test_a_task_that_never_ends_is_unknown_after_its_time(scene: Scene):
    await scene.client.call("ship")
    async with scene.world.changing() as session:
        action = await scene.world.only_action()
        assert action.started_at is not None
        begun = {"started_at": action.started_at - KEY_RETENTION, "lease_until": action.started_at - timedelta(days=1)}
        await session.execute(update(Action).values(**begun).execution_options(synchronize_session=False))
    await scene.world.executor.run_due()
    assert (await scene.world.only_action()).state == "unknown"


async def test_the_same_write_again_is_the_same_task(scene: Scene):
    task = await scene.client.call("ship", idempotency_key="k1")
    assert (await scene.client.call("ship", idempotency_key="k1"))["taskId"] == task["taskId"]
    plain = await scene.client.other(capabilities={}).call("ship", idempotency_key="k1")
    assert plain["structuredContent"]["code"] == "in_progress"
    shown = structured(await scene.world.call("get_approval", approval_id=task["taskId"]))
    assert (shown["status"], shown["outcome"]) == ("executing", None)
    assert len(scene.server.said("tools/call")) == 1


async def test_an_approved_write_goes_on_as_a_task_of_its_server(scene: Scene):
    async with scene.world.changing() as session:
        await set_posture(session, scene.world.admin, "internal", "propose")
    task = await scene.client.call("ship", parcel="7")
    plain = await scene.client.other(capabilities={}).call("ship", parcel="8")
    for approval in (task["taskId"], structured(plain)["approval_id"]):
        await scene.world.built.verdicts.approve(scene.world.owner, approval)
    await scene.world.executor.run_due()
    assert (await scene.world.action(structured(plain)["approval_id"])).state == "succeeded"
    assert (await scene.client.get(task["taskId"]))["statusMessage"] == "Half way."
    scene.server.end(status="completed", ttlMs=None, result=text("shipped"))
    done = await scene.client.get(task["taskId"])
    assert done["result"]["content"][0]["text"] == "shipped"
    assert (await scene.world.action(task["taskId"])).state == "succeeded"


async def test_tasks_of_servers_survive_a_restart(facts: Facts, tmp_path: Path):
    server = TaskServer()
    async with served(server) as base:
        async with staged(facts, tmp_path, server, f"{base}/mcp") as scene:
            tasks = [await scene.client.call(tool) for tool in ("render", "ship")]
        async with staged(facts, tmp_path, server, f"{base}/mcp") as scene:
            for task in tasks:
                assert (await scene.client.get(task["taskId"]))["status"] == "working"
            server.tasks.update({key: {"status": "completed", "result": text("done")} for key in server.tasks})
            for task in tasks:
                assert (await scene.client.get(task["taskId"]))["result"]["content"][0]["text"] == "done"


async def test_a_tool_that_was_taken_away_is_not_asked_again(scene: Scene):
    tasks = [await scene.client.call(tool) for tool in ("render", "ship")]
    async with scene.world.changing() as session:
        for tool in ("render", "ship"):
            await unassign(session, scene.world.admin, "foreign", tool, agent="supply")
    assert (await scene.client.refused("tasks/get", tasks[0]["taskId"]))[1]["code"] == -32602
    assert (await scene.client.get(tasks[1]["taskId"]))["status"] == "working"
    assert scene.server.said("tasks/get") == []


async def test_what_is_no_task_is_an_error_of_the_server(scene: Scene):
    task = await scene.client.call("render")
    for wrong in (
        {"status": "thinking"},
        {"status": "completed"},
        {"status": "completed", "result": {"content": "none"}},
        {"status": "input_required", "inputRequests": {"a": {"method": "tools/call"}}},
    ):
        scene.server.end(**wrong)
        _, error = await scene.client.refused("tasks/get", task["taskId"])
        assert error["code"] == 502, wrong
    for task_id in (None, "", "x" * 2000, "a\u200bb", SECRET):
        scene.server.called = lambda message, _, task_id=task_id: answer(message, task_id)  # type: ignore[method-assign]
        assert (await scene.client.call("render"))["isError"], task_id


@in_both
async def test_a_server_is_told_who_asks_about_its_task(scene: Scene, tool: str):
    """S2.19: also the process that follows a write to its end asks in the name of its caller."""
    tenant = {"target": "meta", "name": "com.example/tenant", "source": "workspace.slug"}
    agent = {"target": "meta", "name": "com.example/agent", "source": "agent.slug"}
    async with scene.world.changing() as session:
        await change_rules(session, scene.world.admin, "foreign", given=[tenant, agent])
    task = await scene.client.call(tool)
    await scene.client.get(task["taskId"])
    scene.server.end(status="completed", ttlMs=600_000, result=text("done"))
    assert (await scene.client.get(task["taskId"]))["status"] == "completed"
    for method, params in scene.server.heard:
        told = params["_meta"]["com.example/tenant"], params["_meta"]["com.example/agent"]
        assert told == ("acme", "supply"), method
    assert len(scene.server.said("tasks/get")) == 2


def answer(message: Json, task_id: str | None) -> Response:
    return result(message, {"resultType": "task", "taskId": task_id, **WORKING})
