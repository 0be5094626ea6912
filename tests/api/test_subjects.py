"""Each subject over a real socket: what the command line can do, with the same effects."""

import asyncio

from sqlalchemy import update

from tests.api.conftest import As
from tests.api.world import Side, problem
from tradepost.app import Tradepost
from tradepost.hub.actions.models import Action


async def test_who_am_i(as_: As, acme: Side) -> None:
    mine = await as_("admin").get("/me")
    assert (mine["user"]["role"], mine["agent"], mine["workspace"]["slug"]) == ("admin", None, "acme")
    agents = await as_("agent").get("/me")
    assert (agents["user"], agents["agent"]["slug"]) == (None, "supply")
    assert agents["scopes"] == ["read:customers", "read:customers.pii", "write:customers"]
    shown = await as_("viewer").get("/workspace")
    assert (shown["slug"], shown["agents"], shown["users"]) == ("acme", 2, 4)


async def test_profile_agent_key_and_its_end(as_: As) -> None:
    """S0.10, S0.37: what an admin makes acts on the next request, and so does taking it away."""
    admin = as_("admin")
    assert (await admin.post("/profiles", {"slug": "field", "posture": "guarded"}))["posture"] == "guarded"
    assert (await admin.patch("/profiles/field", {"posture": "propose"}))["posture"] == "propose"
    made = await admin.post("/agents", {"profile": "field", "slug": "van", "scopes": ["read:orders", "read:inventory"]})
    assert made["scopes"] == ["read:inventory", "read:orders"]
    minted = await admin.post("/keys", {"agent": "van", "label": "van 7"})
    van = as_(secret=minted["key"])
    assert (await van.get("/me"))["agent"]["slug"] == "van"

    stale = await admin.send("PATCH", "/agents/van", {"scopes": [], "expected_version": made["version"] + 7})
    problem(stale, 409, "version_conflict")
    await admin.patch("/agents/van", {"scopes": ["read:inventory"], "expected_version": made["version"]})
    assert (await van.get("/me"))["scopes"] == ["read:inventory"]

    await admin.patch("/agents/van", {"status": "disabled"})
    problem(await van.send("GET", "/me"), 401, "unauthenticated")
    await admin.patch("/agents/van", {"status": "active"})
    await van.get("/me")

    new = await admin.post(f"/keys/{minted['prefix']}/rotate", {})
    assert (await as_(secret=new["key"]).get("/me"))["agent"]["slug"] == "van"
    problem(await van.send("GET", "/me"), 401, "unauthenticated")
    ended = await admin.post(f"/keys/{new['id']}/revoke", status=200)
    assert ended["revoked_at"] is not None
    problem(await as_(secret=new["key"]).send("GET", "/me"), 401, "unauthenticated")


async def test_people(as_: As) -> None:
    admin, owner = as_("admin"), as_("owner")
    made = await admin.post("/users", {"email": "New@Acme.test", "role": "viewer"})
    assert made["email"] == "new@acme.test"
    assert (await admin.patch(f"/users/{made['id']}", {"role": "operator"}))["role"] == "operator"
    problem(await admin.send("POST", "/users", {"email": "new@acme.test", "role": "viewer"}), 409, "state_conflict")
    problem(await admin.send("POST", "/users", {"email": "x@acme.test", "role": "owner"}), 400, "invalid_argument")
    problem(await admin.send("PATCH", "/users/owner@acme.test", {"role": "viewer"}), 409, "state_conflict")
    problem(await owner.send("PATCH", "/users/owner@acme.test", {"role": "viewer"}), 409, "state_conflict")
    assert (await admin.patch(f"/users/{made['id']}", {"status": "disabled"}))["status"] == "disabled"
    back = await admin.patch(f"/users/{made['id']}", {"status": "active", "attributes": {"region": "EU", "x": "1"}})
    assert (back["status"], back["attributes"]) == ("active", {"region": "EU", "x": "1"})
    less = await admin.patch(f"/users/{made['id']}", {"attributes": {"x": ""}})
    assert less["attributes"] == {"region": "EU"}
    for wrong in ({"attributes": {"Region": "EU"}}, {"attributes": {"region": "a\n"}}, {"status": "gone"}):
        problem(await admin.send("PATCH", f"/users/{made['id']}", wrong), 400, "invalid_argument")
    for change in ({"status": "active"}, {"attributes": {"region": "US"}}):
        answer = await admin.send("PATCH", "/users/owner@acme.test", change)
        assert answer.status_code == (200 if "status" in change else 409)  # as it is already; only owners touch owners


async def test_limits_of_an_agent(as_: As) -> None:
    admin, viewer = as_("admin"), as_("viewer")
    of_all = {one["name"]: one["value"] for one in (await viewer.get("/limits"))["limits"]}
    assert of_all["feature.writes"] is True
    changed = await admin.patch("/agents/reader/limits", {"set": {"calls_per_minute": 60, "money_per_day.EUR": 100}})
    found = {one["name"]: (one["value"], one["set_by"]) for one in changed["limits"]}
    assert (found["calls_per_minute"], found["money_per_day.EUR"]) == ((60, "agent"), (100, "agent"))
    assert (await viewer.get("/agents/reader/limits"))["limits"] == changed["limits"]
    for wrong in ({"set": {"feature.writes": 1}}, {"set": {"nonsense": 1}}, {"set": {"calls_per_minute": -1}},
                  {"unset": ["nonsense"]}, {"set": {"money_per_day.XYZW": 1}}):  # fmt: skip
        problem(await admin.send("PATCH", "/agents/reader/limits", wrong), 400, "invalid_argument")
    back = await admin.patch("/agents/reader/limits", {"unset": ["calls_per_minute", "money_per_day.EUR"]})
    assert "agent" not in {one["set_by"] for one in back["limits"]}


async def test_rules_for_what_agents_may_do(as_: As) -> None:
    admin, viewer = as_("admin"), as_("viewer")
    given = {"name": "notes", "outcome": "deny", "agent": "supply", "tool": "*_customer", "reason": "not here"}
    tried = await admin.post("/policy/rules?dry_run=true", given, status=200)
    assert (tried["differences"], tried["rule"]["agent"]) == ([], "supply")
    made = (await admin.post("/policy/rules", given))["rule"]
    problem(await admin.send("POST", "/policy/rules", given), 409, "state_conflict")
    assert await viewer.get("/policy/rules/notes") == made
    changed = await admin.patch(
        "/policy/rules/notes", {"outcome": "ask", "approvals": 2, "when": "args.n > 1", "approver_role": "admin"}
    )
    assert (changed["rule"]["approver_role"], changed["rule"]["caller_may_confirm"]) == ("admin", False)
    assert (changed["rule"]["approvals"], changed["rule"]["reason"]) == (2, "not here")
    for wrong in (
        {"when": "args.n >"},
        {"outcome": "maybe"},
        {"approvals": 3},
        {"window": {"days": ["mon"], "end": "9"}},
    ):
        problem(await admin.send("PATCH", "/policy/rules/notes", wrong), 400, "invalid_argument")
    problem(await admin.send("DELETE", "/policy/rules/refund-small"), 409, "state_conflict")
    without = (await admin.send("DELETE", "/policy/rules/notes?dry_run=true")).json()
    assert (without["looked_at"], without["differences"], without["rule"]["name"]) == (0, [], "notes")
    assert (await viewer.get("/policy/rules/notes"))["name"] == "notes"
    await admin.send("PUT", "/policy/time-zone", {"time_zone": "Europe/Rome"})
    place = "/servers/customers/tools/update_customer/figures"
    assert set((await viewer.get(place)).values()) == {None}
    problem(await admin.send("PATCH", place, {"customer": "id"}), 409, "state_conflict")  # the release knows
    problem(await admin.send("PATCH", place, {"amount": "total", "unit": "cents"}), 400, "invalid_argument")
    trial = place.replace("figures", "dry-run")
    assert await viewer.get(trial) == {"argument": None}
    problem(await admin.send("PUT", trial, {"argument": "dry_run"}), 409, "state_conflict")  # it is previewed
    problem(await admin.send("PUT", trial, {"argument": ""}), 400, "invalid_argument")
    frozen = await admin.post("/policy/freezes", {"reason": "stock-taking"})
    listed = await viewer.get("/policy/rules")
    assert (listed["time_zone"], listed["rules"][0]["name"]) == ("Europe/Rome", frozen["name"])
    table = {"table": "- {agent: supply, tool: update_customer, expect: deny, rule: freeze}"}
    assert (await admin.post("/policy/test", table, status=200))["as_expected"]
    problem(await admin.send("POST", "/policy/test", {"table": "- [1"}), 400, "invalid_argument")
    assert (await admin.send("DELETE", f"/policy/freezes/{frozen['name']}")).status_code == 200
    gone = await admin.send("DELETE", "/policy/rules/notes")
    assert (gone.status_code, gone.json()["rule"]["name"], gone.json()["looked_at"]) == (200, "notes", None)


async def test_contacts(as_: As) -> None:
    """S2.22, S2.24: a read is a call of the agent's tool; a write waits for a person and is then carried out once."""
    agent = as_("agent")
    found = await agent.get("/contacts?query=Jo&limit=2")
    assert [one["number"] for one in found["items"]] == ["C-1", "C-2"]
    rest = await agent.get(f"/contacts?query=Jo&limit=2&cursor={found['next_cursor']}")
    assert ([one["number"] for one in rest["items"]], rest["has_more"]) == (["C-3"], False)
    assert (await agent.get("/contacts/C-1"))["email"] == "jo1@buyers.test"
    asked = await agent.patch("/contacts/C-1", {"language": "fr"}, status=202, idempotency_key="c1")
    assert asked["status"] == "approval_required"

    waiting = await as_("viewer").get("/approvals")
    assert [one["id"] for one in waiting["items"]] == [asked["approval_id"]]
    assert waiting["items"][0]["arguments"]["language"] == "fr"
    path = f"/approvals/{asked['approval_id']}"
    assert (await agent.get(path))["state"] == "pending"
    problem(await agent.send("POST", f"{path}/approve", {}), 403, "forbidden_scope")
    problem(await as_("other_agent").send("GET", path), 404, "not_found")
    answered = await as_("operator").post(f"{path}/approve", {"comment": "asked by phone"}, status=200)
    assert answered["verdicts"][0]["comment"] == "asked by phone"
    problem(await as_("operator").send("POST", f"{path}/approve", {}), 409, "state_conflict")
    async with asyncio.timeout(30):
        while (await agent.get(path))["state"] != "succeeded":
            pass  # each look is a request: the hub carries it out meanwhile
    assert (await agent.get("/contacts/C-1"))["language"] == "fr"


async def test_audit_and_usage(as_: As, hub: Tradepost) -> None:
    agent, viewer = as_("agent"), as_("viewer")
    await agent.get("/contacts/C-1")
    problem(await agent.send("GET", "/contacts/C-77"), 404, "not_found")
    await hub.audit.drain()
    rows = (await viewer.get("/audit?kind=read&tool=get_customer"))["items"]
    assert len(rows) == 2
    assert (await viewer.get(f"/audit/{rows[0]['id']}")) == rows[0]
    assert (await viewer.get(f"/audit?request_id={rows[0]['request_id']}"))["items"] == [rows[0]]
    for by, key in (("tool", "get_customer"), ("server", "customers"), ("agent", rows[0]["agent_id"])):
        (row,) = (await viewer.get(f"/usage?by={by}"))["items"]
        assert (row["key"], row["calls"], row["reads"], row["errors"]) == (key, 2, 2, 1)
    (day,) = (await viewer.get("/usage"))["items"]
    assert day["key"] == rows[0]["occurred_at"][:10]
    await hub.sealer.seal()
    assert (await as_("admin").post("/audit/verify", {}, status=200))["intact"] is True


async def test_what_a_shopper_asked_for_is_not_the_agents(as_: As, hub: Tradepost, acme: Side) -> None:
    """Shoppers share an agent; its key sees only what it asked for itself. People see everything."""
    asked = await as_("agent").patch("/contacts/C-1", {"language": "fr"}, status=202)
    async with hub.hub.transaction(acme.workspace_id, write=True) as session:
        await session.execute(update(Action).values(principal_kind="shopper"))
    problem(await as_("agent").send("GET", f"/approvals/{asked['approval_id']}"), 404, "not_found")
    assert (await as_("agent").get("/approvals"))["items"] == []
    assert len((await as_("viewer").get("/approvals"))["items"]) == 1
