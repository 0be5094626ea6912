"""From a URL to governed tools over REST: register, test, discover, approve, assign, settings, and the end of it."""

import json

from tests.api.conftest import As
from tests.api.world import Side, problem
from tests.hub.bundled import Bundled, tool
from tests.hub.remote import running
from tradepost.app import Tradepost
from tradepost.hub.registry.models import Server

CANARY = "CANARY-8f1c2a"


async def test_from_url_to_tools(as_: As) -> None:
    """S0.1, S0.7, S0.9, S0.10, S0.11: nothing is visible before a person has looked, everything acts at once."""
    admin = as_("admin")
    async with running(Bundled(), bearer=CANARY) as remote:
        headers = [
            {"name": "Authorization", "value": f"Bearer {CANARY}"},
            {"name": "X-Shop", "value": "7", "hidden": False},
        ]
        made = await admin.send(
            "POST", "/servers", {"slug": "tracker", "url": remote.url, "headers": headers}, idempotency_key="k"
        )
        assert made.status_code == 201, made.text
        assert (await admin.get("/servers/tracker"))["status"] == "registered"
        report = await admin.post("/servers/tracker/test", status=200)
        assert (report["ok"], report["tools"]) == (True, 2), report
        found = await admin.post("/servers/tracker/discover", status=200)
        assert found["new"] == ["get_order", "add_note"]
        tools = (await as_("viewer").get("/servers/tracker/tools"))["items"]
        assert [(one["state"], one["class"], one["waits"]) for one in tools] == [("unapproved", "write", True)] * 2

        approved = await admin.post(
            "/servers/tracker/tools/get_order/approve",
            {"class": "read", "scope": "read:orders", "digest": tools[0]["digest"]},
            status=200,
        )
        assert (approved["state"], approved["class"], approved["scope"]) == ("enabled", "read", "read:orders")
        stale = await admin.send("POST", "/servers/tracker/tools/add_note/approve", {"digest": "sha256:0"})
        problem(stale, 409, "state_conflict")

        await admin.patch("/agents/reader", {"scopes": ["read:orders"]})
        assigned = await admin.post("/assignments", {"server": "tracker", "tool": "get_order", "agent": "reader"})
        assert (assigned["agent"], assigned["exposed_name"]) == ("reader", "get_order")
        listed = (await admin.get("/assignments?agent=reader"))["items"]
        assert [one["id"] for one in listed] == [assigned["id"]]

        remote.server.tools[0] = tool("get_order", number={"type": "string"}, bcc={"type": "string"})
        refreshed = await admin.post("/servers/tracker/discover", status=200)
        assert [one["name"] for one in refreshed["changed"]] == ["get_order"]
        full = await admin.get("/servers/tracker/tools/get_order")
        assert (full["state"], full["waiting"]["digest"]) == ("quarantined", refreshed["changed"][0]["after"])
        assert [one["place"] for one in full["waiting"]["differences"]] == ["inputSchema.properties.bcc"]
        assert refreshed["changed"][0]["kinds"] == full["waiting"]["kinds"] == ["suspicious", "additive"]
        assert "bcc" in full["signs"][0]
        assert refreshed["kept"] is False
        kept = await admin.patch("/registry-rules", {"set": {"changed_tools": "keep", "visible_tools": 1}})
        rules = {"changed_tools": "keep", "visible_tools": 1, "result_tokens": 25_000}
        assert {one["name"]: one["value"] for one in kept["rules"]} == rules
        problem(
            await admin.send("PATCH", "/registry-rules", {"set": {"changed_tools": "new"}}), 400, "invalid_argument"
        )
        assert (await as_("viewer").get("/agents/reader"))["visible_tools"] == 1
        assert len((await as_("viewer").get("/agents/supply"))["warnings"]) == 1
        cached = await admin.post("/servers/tracker/discover?fresh=false", status=200)
        assert cached["changed"] == []

        tool_history = (await as_("viewer").get("/servers/tracker/tools/get_order/history"))["items"]
        said = [(one["what"], one["version"]) for one in reversed(tool_history)]
        assert said == [("definition", 1), ("approved", 1), ("definition", 2)]
        assert "bcc" in tool_history[0]["definition"]["inputSchema"]["properties"]
        assert tool_history[1]["details"] == {"class": "read", "scope": "read:orders", "before": approved["digest"]}
        whole = await as_("viewer").get("/servers/tracker/history?limit=2")
        rest = await as_("viewer").get(f"/servers/tracker/history?limit=50&cursor={whole['next_cursor']}")
        assert "server" in {one["what"] for one in (*whole["items"], *rest["items"])}

        words = {"title": "Look up", "description": "Looks an order up.", "exposed_name": "look_up"}
        shown = await admin.patch(f"/assignments/{assigned['id']}", words)
        assert {name: shown[name] for name in words} == words
        for bad in ({"title": "a\u200bb"}, {"description": "\u202ex"}, {"title": "two\nlines"}, {"exposed_name": ""}):
            problem(await admin.send("PATCH", f"/assignments/{assigned['id']}", bad), 400, "invalid_argument")
        back = await admin.patch(f"/assignments/{assigned['id']}", {"title": ""})
        assert (back["title"], back["description"], back["exposed_name"]) == (None, words["description"], "look_up")

    assert (await admin.send("DELETE", f"/assignments/{assigned['id']}")).status_code == 204
    gone = await admin.post("/servers/tracker/test", status=200)
    assert (gone["ok"], (await admin.get("/servers/tracker"))["status"]) == (False, "failing")
    problem(await admin.send("POST", "/servers/tracker/discover"), 424, "upstream_error")
    assert (await admin.send("DELETE", "/servers/tracker")).status_code == 204
    problem(await admin.send("GET", "/servers/tracker"), 404, "not_found")


async def test_credentials_are_written_and_never_read(as_: As, hub: Tradepost) -> None:
    """S0.5, S0.6, security.md §2 rows 26, 27: also moving the server elsewhere does not take them along."""
    owner = as_("owner")
    hidden = {"name": "Authorization", "value": f"Bearer {CANARY}"}
    await owner.post("/servers", {"slug": "tracker", "url": "http://127.0.0.1:18099/mcp", "headers": [hidden]})
    answers = [
        await owner.send("GET", path)
        for path in ("/servers", "/servers/tracker", "/servers/tracker/headers", "/audit?limit=50", "/assignments")
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert CANARY not in answer.text
    assert answers[2].json()["headers"] == [{"name": "Authorization", "value": "••••••••", "hidden": True}]
    same = await owner.send("PUT", "/servers/tracker/url", {"url": "http://127.0.0.1:18099/other"})
    assert same.status_code == 200
    assert len((await owner.get("/servers/tracker/headers"))["headers"]) == 1
    await owner.send("PUT", "/servers/tracker/url", {"url": "http://127.0.0.1:18100/mcp"})
    assert (await owner.get("/servers/tracker/headers"))["headers"] == []
    bad = await owner.send("PUT", "/servers/tracker/headers", {"headers": [{"name": "X", "value": f"{CANARY}\n"}]})
    problem(bad, 400, "invalid_argument")
    assert CANARY not in bad.text


async def test_switches_and_settings(as_: As) -> None:
    admin = as_("admin")
    assert (await admin.post("/servers/customers/disable", status=200))["status"] == "disabled"
    agent = as_("agent")
    problem(await agent.send("GET", "/contacts/C-1"), 403, "forbidden_scope")
    await admin.post("/servers/customers/enable", status=200)
    await agent.get("/contacts/C-1")
    await admin.patch("/servers/customers/tools/get_customer", {"enabled": False})
    problem(await agent.send("GET", "/contacts/C-1"), 403, "forbidden_scope")
    await admin.patch("/servers/customers/tools/get_customer", {"enabled": True})
    problem(
        await admin.send("PATCH", "/servers/customers/tools/get_customer", {"class": "write"}), 409, "state_conflict"
    )
    problem(await admin.send("DELETE", "/servers/customers"), 409, "state_conflict")
    problem(await admin.send("POST", "/servers/customers/test"), 409, "state_conflict")

    await admin.patch("/servers/customers/settings", {"set": {"timeout_seconds": 20}})
    own = await admin.patch("/servers/customers/tools/get_customer/settings", {"set": {"running": "4"}})
    found = {one["name"]: (one["value"], one["set_by"]) for one in own["settings"]}
    assert (found["timeout_seconds"], found["running"]) == ((20, "server"), (4, "tool"))
    back = await admin.patch("/servers/customers/settings", {"unset": ["timeout_seconds"]})
    assert {one["set_by"] for one in back["settings"]} == {"default"}


async def test_what_a_server_is_told_of_callers(as_: As) -> None:
    admin = as_("admin")
    await admin.post("/servers", {"slug": "tracker", "url": "http://127.0.0.1:18099/mcp"})
    tenant = {"target": "header", "name": "X-Tenant", "source": "workspace.slug"}
    channel = {"target": "meta", "name": "com.example/channel", "constant": 7}
    changed = await admin.patch("/servers/tracker/rules", {"set": [tenant, channel]})
    shown = {(one["target"], one["name"]): (one["source"], one["constant"]) for one in changed["rules"]}
    assert shown == {("header", "X-Tenant"): ("workspace.slug", None), ("meta", "com.example/channel"): (None, 7)}
    assert (await as_("viewer").get("/servers/tracker/rules")) == changed
    less = await admin.patch("/servers/tracker/rules", {"remove": [{"target": "header", "name": "x-tenant"}]})
    assert [one["name"] for one in less["rules"]] == ["com.example/channel"]
    assertion = "/servers/tracker/caller-assertion"
    signed = await admin.send("PUT", assertion, {"enabled": True, "audience": "urn:example:orders"})
    assert (signed.status_code, signed.json()["caller_assertion"]) == (200, "urn:example:orders")
    ended = await admin.send("PUT", assertion, {"enabled": False})
    assert ended.json()["caller_assertion"] is None

    path = "/servers/customers/tools/get_customer/rules"
    definition = (await admin.get("/servers/customers/tools/get_customer"))["definition"]
    (name,) = definition["inputSchema"]["required"]
    rule = {"target": "argument", "name": name, "constant": "C-1"}
    assert (await admin.patch(path, {"set": [rule]}))["rules"][0]["set_by"] == "tool"
    await admin.patch(path, {"remove": [{"target": "argument", "name": name}]})
    wrong: list[dict[str, object]] = [
        {**rule, "name": "nobody"}, {**rule, "constant": 7}, {**rule, "source": "workspace.id"},
        {"target": "argument", "name": name}, {**rule, "target": "cookie"}, {**rule, "constant": None},
        {**rule, "constant": "x" * 1001}, {"target": "argument", "name": name, "source": ""},
    ]  # fmt: skip
    for one in wrong:
        problem(await admin.send("PATCH", path, {"set": [one]}), 400, "invalid_argument")
    gone = {"remove": [{"target": "argument", "name": name}]}
    problem(await admin.send("PATCH", path, gone), 404, "not_found")
    assert (await admin.get(path))["rules"] == []


async def test_a_program_of_the_operator_is_not_started(as_: As, hub: Tradepost, acme: Side) -> None:
    """security.md §2 row 25: also one that is registered is not tested over HTTP."""
    async with hub.hub.transaction(acme.workspace_id, write=True) as session:
        session.add(Server(id="srv_program", slug="program", name="Program", kind="remote", url="stdio:program"))
    for path in ("/servers/program/test", "/servers/srv_program/discover"):
        found = problem(await as_("owner").send("POST", path), 409, "state_conflict")
        assert "program" in found["detail"]


async def test_what_rest_changes_stands_in_the_audit(as_: As) -> None:
    made = await as_("admin").post("/profiles", {"slug": "field"})
    rows = (await as_("admin").get("/audit?kind=admin&limit=1"))["items"]
    assert (rows[0]["tag"], rows[0]["details"]["subject"]) == ("profile:created", made["id"])
    assert rows[0]["user_id"] == (await as_("admin").get("/me"))["user"]["id"]
    assert json.dumps(rows[0]["details"])
