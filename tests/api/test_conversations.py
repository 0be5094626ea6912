"""Conversations over REST, with a small runtime in place of models: what is kept, in which order, and who may see it.

S2.24, S4.23, S4.24; security.md §2 row 18.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from tests.api.conftest import As
from tests.api.talking import LineByLine, agents_of, runtime_of, talk, until, watching
from tests.api.world import Side, add_customers, problem
from tests.processes import Command, Result, environment
from tradepost import settings
from tradepost.agents.conversations.asked import holder_of, to_record
from tradepost.agents.conversations.models import Conversation, ConversationTurn
from tradepost.app import Tradepost, open_tradepost
from tradepost.foundation.clock import system_now
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import User
from tradepost.hub.access.roles import caller_for_user

Json = dict[str, Any]


@pytest.fixture
async def hub(configured: settings.Settings, acme: Side, rival: Side) -> AsyncIterator[Tradepost]:
    configured.data.mkdir()
    opened = await open_tradepost(configured, agents=agents_of)
    await add_customers(opened.store, acme, (1, 2, 3))
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
def runtime(hub: Tradepost) -> LineByLine:
    return runtime_of(hub)


async def test_an_answer_with_every_step_of_it(as_: As, hub: Tradepost, runtime: LineByLine) -> None:
    """S4.24: which tools, which parameters, what came back, and whether the answer was appropriate."""
    own = await talk(as_)
    turn = await own.answered('call search_customers {"query": "Buyer2"}', "say Buyer2 is customer C-2")
    assert (turn["status"], turn["answer"]) == ("finished", "Buyer2 is customer C-2")
    assert [step["kind"] for step in turn["steps"]] == ["message", "tool_call", "tool_result", "answer"]
    assert [step["number"] for step in turn["steps"]] == [1, 2, 3, 4]
    assert turn["steps"][1]["content"]["arguments"] == {"query": "Buyer2"}
    assert "C-2" in str(turn["steps"][2]["content"])
    assert (turn["tokens_in"], turn["tokens_out"], turn["cost_micros"], turn["tool_calls"]) == (200, 40, 600, 1)
    assert (turn["score"], turn["findings"]) == (100, [])
    await hub.audit.drain()
    audited = await as_("owner").get(f"/audit?run_id={turn['run_id']}")
    of_run = await as_("owner").get(f"/conversations?run={turn['run_id']}")
    assert [one["id"] for one in of_run["items"]] == [turn["conversation_id"]]
    assert (await as_("owner").get("/conversations?run=run_none"))["items"] == []
    assert [row["tool"] for row in audited["items"]] == ["search_customers"]
    shown = await own.client.get(own.path)
    assert (shown["title"], shown["turns"], shown["steps"]) == (turn["message"].replace("\n", " "), 1, 4)
    wrong = await own.answered("say Order X-99@@999 was paid with 12@@34.50")
    assert wrong["score"] < 100
    assert [one["criterion"] for one in wrong["findings"]] == ["unsupported"]
    assert "x-99999" in wrong["findings"][0]["why"]
    assert runtime.earlier[-1] == ["message", "tool_call", "tool_result", "answer"]


async def test_messages_at_once_are_answered_in_order_and_others_meanwhile(as_: As, runtime: LineByLine) -> None:
    own, other = await talk(as_), await talk(as_, "viewer")
    first = await own.say("hold first", "say one")
    second = await own.say("say two")
    assert (await other.answered("say meanwhile"))["answer"] == "meanwhile"
    await runtime.is_held("first")
    assert [one["status"] for one in await own.turns()] == ["running", "queued"]
    runtime.gate("first").set()
    assert (await own.until(second["id"], "finished"))["number"] == 2
    assert (await own.until(first["id"], "finished"))["steps"][-1]["number"] == 2
    problem(await own.client.send("POST", f"{own.path}/messages", {"message": "  "}), 400, "invalid_argument")
    await own.say("hold full")
    await runtime.is_held("full")
    for _ in range(20):
        await own.say("say queued")
    problem(await own.client.send("POST", f"{own.path}/messages", {"message": "more"}), 422, "limit_exceeded")
    assert (await own.client.post(f"{own.path}/cancel", {}, status=200))["stopped"] == 21
    ended = [await own.until(one["id"], "stopped") for one in (await own.turns())[2:4]]
    assert [one["answer"] for one in ended] == ["Stopped.", "Stopped before it was answered."]
    assert runtime.began["say queued"] == 0


UPDATE = 'call update_customer {"customer_id": "C-1", "language": "de"}'


@pytest.mark.parametrize("verb", ["approve", "reject"])
async def test_a_turn_waits_for_an_approval_and_goes_on_with_it(as_: As, runtime: LineByLine, verb: str) -> None:
    own, admin = await talk(as_), as_("admin")
    asked = await own.say(UPDATE, "say $RESULTS")
    waits = await own.until(asked["id"], "waiting", "finished", "failed")
    assert waits["status"] == "waiting", waits
    approval = waits["waits"][0]["approval_id"]
    assert (await own.answered("say I can still talk"))["status"] == "finished"
    await admin.post(f"/approvals/{approval}/{verb}", {"comment": "as agreed"}, status=200)
    turn = await own.until(asked["id"], "finished", "failed")
    assert turn["status"] == "finished", turn
    kinds = [step["kind"] for step in turn["steps"]]
    assert kinds == ["message", "tool_call", "waiting", "tool_result", "answer"]
    told = turn["steps"][3]["content"]["result"]["structuredContent"]
    assert told["status"] == ("succeeded" if verb == "approve" else "rejected")
    assert verb == "approve" or "as agreed" in told["message"]
    assert [tool for tool, _ in runtime.calls] == ["update_customer"]


async def test_who_sees_which_conversation(as_: As, rival: Side) -> None:
    """A person their own, operators and higher all, which is recorded, a key of an agent what it began."""
    of_viewer, of_agent, of_operator = await talk(as_, "viewer"), await talk(as_, "agent"), await talk(as_, "operator")
    await of_viewer.answered("say the warehouse in Rötterdam")
    for who, seen in (
        ("viewer", {of_viewer.id}),
        ("agent", {of_agent.id}),
        ("other_agent", set()),
        ("operator", {of_viewer.id, of_agent.id, of_operator.id}),
        ("owner", {of_viewer.id, of_agent.id, of_operator.id}),
    ):
        client = as_(who)
        assert {one["id"] for one in (await client.get("/conversations"))["items"]} == seen, who
        found = (await client.get("/conversations/search?q=rotterd%20WAREHOUSE"))["items"]
        assert len(found) == (of_viewer.id in seen), who
        for one in (of_viewer, of_agent, of_operator):
            answer = await client.send("GET", one.path)
            assert answer.status_code == (200 if one.id in seen else 404), who
    nobody = await as_("viewer").send("GET", "/conversations/cnv_nothing")
    assert (await as_("viewer").send("GET", of_agent.path)).content == nobody.content
    assert (await as_("owner", rival).get("/conversations"))["items"] == []
    mine = (await as_("operator").get("/conversations?mine=true"))["items"]
    assert [one["id"] for one in mine] == [of_operator.id]
    problem(await as_("owner").send("POST", f"{of_viewer.path}/messages", {"message": "hi"}), 409, "state_conflict")
    problem(await as_("viewer").send("POST", f"{of_agent.path}/cancel", {}), 404, "not_found")
    rows = (await as_("owner").get("/audit?kind=admin&limit=50"))["items"]
    tags = {row["tag"] for row in rows if of_viewer.id in str(row["details"])}
    assert {"conversation:read", "conversation:listed", "conversation:searched"} <= tags
    problem(await as_("agent").send("POST", "/conversations", {"agent": "reader"}), 404, "not_found")
    problem(await as_("viewer").send("POST", "/conversations", {}), 400, "invalid_argument")
    problem(await as_("viewer").send("POST", "/conversations", {"agent": "no-such"}), 404, "not_found")


async def test_watching(http: httpx2.AsyncClient, as_: As, acme: Side, runtime: LineByLine) -> None:
    own = await talk(as_)
    await own.say("hold watched", "write Let me ", "write see", "hold written", "say done")
    await runtime.is_held("watched")
    path = f"{own.path}/events"
    async with watching(http, acme.secrets["operator"], path) as stream:
        first = await anext(stream)
        assert (first.name, first.id, first.data["kind"]) == ("step", "1", "message")
        assert (await anext(stream)).data["status"] == "running"
        runtime.gate("watched").set()
        words = ""
        while words != "Let me see":  # in one piece, or in two
            said = await anext(stream)
            assert (said.name, said.id) == ("delta", None)
            words += said.data["text"]
            assert "Let me see".startswith(words)
        runtime.gate("written").set()
        rest = [one async for one in stream]
    assert [one.name for one in rest] == ["step", "turn", "end"]
    assert (rest[1].data["status"], rest[1].data["answer"]) == ("finished", "done")
    async with watching(http, acme.secrets["operator"], path, last_event_id="1") as stream:
        again = [one async for one in stream]
    assert [(one.name, one.id) for one in again] == [("step", "2"), ("turn", None), ("end", None)]
    async with watching(http, acme.secrets["operator"], path) as stream:
        assert [one.id async for one in stream][:2] == ["1", "2"], "without it, the last message is told again"
    problem(await own.client.send("GET", path, last_event_id="x"), 400, "invalid_argument")
    problem(await as_("viewer").send("GET", path), 404, "not_found")


async def test_what_goes_wrong_ends_in_a_sentence(as_: As, runtime: LineByLine) -> None:
    own = await talk(as_)
    broken = await own.answered("break")
    assert broken["status"] == "failed"
    assert "Something went wrong" in broken["answer"]
    assert [step["kind"] for step in broken["steps"]] == ["message", "trouble"]
    missing = await own.answered("call no_such_tool {}", "say never")
    assert missing["status"] == "failed"
    assert "no_such_tool" in missing["answer"]
    assert (await own.answered("say still here"))["status"] == "finished"


async def test_a_disabled_tool_is_gone_in_the_next_turn(as_: As) -> None:
    """S0.40"""
    own, admin = await talk(as_), as_("admin")
    line = 'call search_customers {"query": "Buyer1"}'
    assert (await own.answered(line, "say found"))["status"] == "finished"
    await admin.patch("/servers/customers/tools/search_customers", {"enabled": False})
    gone = await own.answered(line, "say found")
    assert gone["status"] == "failed"
    await admin.patch("/servers/customers/tools/search_customers", {"enabled": True})
    assert (await own.answered(line, "say found"))["status"] == "finished"


async def test_feedback_metrics_redaction_and_rules(as_: As) -> None:
    own, admin = await talk(as_), as_("admin")
    problem(await own.client.send("POST", f"{own.path}/feedback", {"score": 3}), 409, "state_conflict")
    await own.answered("say Write to jo@example.com about Kerberos")
    await own.client.post(f"{own.path}/feedback", {"thumb": "down"}, status=200)
    given = await own.client.post(f"{own.path}/feedback", {"score": 4, "words": "my mail is me@x.test"}, status=200)
    assert given["score"] == 4
    for wrong in ({}, {"score": 6}, {"score": 3, "thumb": "up"}, {"thumb": "sideways"}):
        problem(await own.client.send("POST", f"{own.path}/feedback", wrong), 400, "invalid_argument")
    (row,) = (await admin.get("/conversations/metrics"))["items"]
    assert (row["agent"], row["conversations"], row["turns"], row["finished"]) == ("supply", 1, 1, 1)
    assert (row["tokens_in"], row["cost_micros"], row["feedback"], row["feedbacks"]) == (100, 300, 4.0, 1)
    assert row["p50_ms"] == row["p95_ms"] == 40
    problem(await admin.send("GET", "/conversations/metrics?since=2020-01-01T00:00:00Z"), 400, "invalid_argument")
    assert len((await own.client.get("/conversations/search?q=jo@example.com"))["items"]) == 1
    problem(await own.client.send("POST", f"{own.path}/redact", {}), 403, "forbidden_scope")
    redacted = await admin.post(f"{own.path}/redact", {}, status=200)
    assert redacted["redacted_at"] is not None
    (turn,) = await own.turns()
    assert turn["answer"] == "Write to [e-mail] about Kerberos"
    assert "@" not in str(turn)
    assert (await own.client.get("/conversations/search?q=jo@example.com"))["items"] == []
    assert len((await own.client.get("/conversations/search?q=kerb"))["items"]) == 1
    problem(await own.client.send("GET", "/conversations/search?q=%21%21"), 400, "invalid_argument")
    assert await admin.get("/conversations/rules") == {"redact_days": None, "keep_days": None}
    changed = await admin.patch("/conversations/rules", {"keep_days": 30})
    assert changed == {"redact_days": None, "keep_days": 30}
    problem(await admin.send("PATCH", "/conversations/rules", {"keep_days": 0}), 400, "invalid_argument")


async def test_what_is_old_is_forgotten_by_rule(as_: As, acme: Side, hub: Tradepost) -> None:
    """Personal data first, then all of it; never what still waits for somebody."""
    old, new = await talk(as_), await talk(as_)
    for one in (old, new):
        await one.answered("say Call +49 170 1234567 about the heron")
    await _age(hub, acme, old.id, days=40)
    forgetting = hub.conversations.desk.forgetting
    await forgetting.forget_due()
    assert "1234567" in str(await old.turns()), "without a rule everything stays"
    await as_("admin").patch("/conversations/rules", {"redact_days": 30, "keep_days": 60})
    await forgetting.forget_due()
    assert "1234567" not in str(await old.turns())
    assert "1234567" in str(await new.turns())
    search = "/conversations/search?q="
    found = [len((await old.client.get(search + word))["items"]) for word in ("heron", "1234567")]
    assert found == [2, 1]
    await _age(hub, acme, old.id, days=90)
    waiting = await new.say(UPDATE)
    await new.until(waiting["id"], "waiting")
    await _age(hub, acme, new.id, days=90)
    await forgetting.forget_due()
    problem(await old.client.send("GET", old.path), 404, "not_found")
    assert len(await new.turns()) == 2
    assert len((await old.client.get("/conversations/search?q=heron"))["items"]) == 1
    rows = (await as_("owner").get("/audit?kind=admin&limit=50"))["items"]
    told = {row["tag"]: row["details"] for row in rows if row["tag"].startswith("conversations:")}
    assert told["conversations:deleted"]["count"] == told["conversations:redacted"]["count"] == 1
    assert told["conversations:rules"]["after"] == {"redact_days": 30, "keep_days": 60}


async def _age(hub: Tradepost, side: Side, conversation_id: str, *, days: int) -> None:
    async with hub.hub.transaction(side.workspace_id, write=True) as session:
        past = {"last_at": system_now() - timedelta(days=days)}
        await session.execute(update(Conversation).where(Conversation.id == conversation_id).values(**past))


async def test_pages(as_: As) -> None:
    """Each list goes on where it ended, by a cursor of its own."""
    own = await talk(as_)
    for number in range(3):
        await own.answered(f"say pelican {number}")
    await talk(as_)
    for path, counted in ((own.path, 3), ("/conversations/search?q=pelican", 3), ("/conversations", 2)):
        seen, cursor = 0, ""
        while True:
            found = await own.client.get(f"{path}{'&' if '?' in path else '?'}limit=1{cursor}")
            page = found.get("page", found)
            seen += len(page["items"])
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == counted, path
        wrong = await own.client.send("GET", f"{path}{'&' if '?' in path else '?'}cursor=bm90aGluZw")
        problem(wrong, 400, "invalid_argument")


async def test_in_a_terminal(
    acme: Side, hub: Tradepost, url: str, configured: settings.Settings, runtime: LineByLine
) -> None:
    """`tradepost chat` against the hub that serves, and `tradepost conversation` over what it left."""
    databases = {"TRADEPOST_HUB_URL": configured.hub_url, "TRADEPOST_STORE_URL": configured.store_url}
    env = {"TRADEPOST_DATA": str(configured.data), "TRADEPOST_WORKSPACE": "acme", **databases}

    async def run(*arguments: str, **more: str) -> Result:
        return await asyncio.to_thread(Command([*arguments], environment(**env, **more)).result)

    key = {"TRADEPOST_KEY": acme.secrets["operator"]}
    asked = "hold term\nwrite Buy\nwrite er2\ncall search_customers {}\nsay It is [bold]C-2"
    asking = asyncio.create_task(run("chat", "--agent", "supply", "--url", url, "--once", asked, **key))
    await runtime.is_held("term")
    await until(lambda: bool(hub.conversations.watchers._there))
    runtime.gate("term").set()
    said = await asking
    assert "Buyer2" in said.good().out
    assert all(words in said.out for words in ("supply tool_call", "It is [bold]C-2"))
    waits = await run("chat", "--agent", "supply", "--url", url, "--once", UPDATE, **key)
    assert "tradepost approvals approve act_" in waits.good().out
    listed = (await run("conversation", "list", "--json")).json()
    assert [one["turns"] for one in listed] == [1, 1]
    first = listed[1]["id"]
    same = ("--conversation", first, "--json")
    again = await run("chat", "--agent", "supply", "--url", url, *same, "--once", "say on", **key)
    assert (again.json()["answer"], again.json()["number"]) == ("on", 2)
    broken = await run("chat", "--agent", "supply", "--url", url, "--once", "break", **key)
    assert broken.status == 1
    assert "Something went wrong" in broken.out
    nobody = await run("chat", "--agent", "supply", "--url", "http://127.0.0.1:9", "--once", "x", **key)
    assert "tradepost serve" in nobody.refusal()
    unknown = await run("chat", "--agent", "no-such", "--url", url, "--once", "x", **key)
    assert "no agent" in unknown.refusal()

    shown = (await run("conversation", "show", first, "--json")).json()
    assert [turn["answer"] for turn in shown["turns"]] == ["It is [bold]C-2", "on"]
    assert "search_customers" in (await run("conversation", "show", first)).good().out
    (hit,) = (await run("conversation", "search", "bold", "--json")).json()
    assert hit["conversation"]["id"] == first
    given = (await run("conversation", "feedback", first, "up", "--as", "operator@acme.test", "--json")).json()
    assert given["score"] == 5
    assert "no score" in (await run("conversation", "feedback", first, "9")).refusal()
    refused = await run("conversation", "redact", first, "--as", "operator@acme.test")
    assert "admin" in refused.refusal()
    assert (await run("conversation", "redact", first, "--json")).json()["redacted_at"]
    theirs = await run("conversation", "show", first, "--as", "viewer@acme.test")
    assert "no such conversation" in theirs.refusal()
    rules = (await run("conversation", "rules", "--keep-days", "90", "--redact-days", "never", "--json")).json()
    assert rules == {"redact_days": None, "keep_days": 90}
    assert (await run("conversation", "metrics", "--json")).json()[0]["agent"] == "supply"


async def test_two_hundred_turns_in_flight(as_: As, acme: Side, hub: Tradepost, runtime: LineByLine) -> None:
    """All wait for something at the same moment, each in a conversation of its own, in one process."""
    by = caller_for_user(User(workspace_id=acme.workspace_id, id=acme.users["operator"]), new_id("req"))
    async with hub.hub.transaction(acme.workspace_id, write=True) as session:
        for number in range(200):
            facts = {"agent_id": acme.agent_id, "agent": "supply", "holder": holder_of(by), "title": "", "turns": 1}
            session.add(Conversation(id=f"cnv_{number}", user_id=by.user_id, last_at=system_now(), **facts))
        await session.flush()
        for number in range(200):
            asked = {"message": f"hold {number}\nsay done", "caller": to_record(by), "request_id": "req_1", "number": 1}
            of_it = {"conversation_id": f"cnv_{number}", "run_id": f"run_{number}", "status": "queued"}
            session.add(ConversationTurn(id=f"trn_{number}", **asked, **of_it))
    for number in range(200):
        await runtime.is_held(str(number))
    assert hub.conversations.worker.running == 200
    for number in range(200):
        runtime.gate(str(number)).set()
    await asyncio.gather(*hub.conversations.worker._tasks.values())
    (row,) = (await as_("admin").get("/conversations/metrics"))["items"]
    assert (row["conversations"], row["turns"], row["finished"]) == (200, 200, 200)
