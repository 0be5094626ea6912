"""What belongs to another workspace is not there: the same bytes as for what nobody has.

security.md §2 rows 18, 19, 36.
"""

from datetime import timedelta
from typing import Any

import httpx2

from tests.api.conftest import As
from tests.api.shopping import open_shop
from tests.api.world import Client, Side, problem
from tradepost.app import Tradepost
from tradepost.foundation.clock import system_now, to_rfc3339

# A body with which each write would go through, if what its path names were there.
BODIES: dict[str, Any] = {
    "PUT /servers/{server}/tools/{tool}/dry-run": {"argument": None},
    "PUT /servers/{server}/url": {"url": "http://127.0.0.1:18100/mcp"},
    "PUT /servers/{server}/headers": {"headers": []},
    "PUT /servers/{server}/credential": {"credential": None},
    "PATCH /servers/{server}/api": {"operations": ["all"]},
    "PUT /servers/{server}/api/document": {"document": "openapi: 3.1.0"},
    "PUT /servers/{server}/api/credentials": {"credentials": {"Key": "a-key-of-theirs"}},
    "PATCH /servers/{server}/settings": {"set": {"running": 3}},
    "PATCH /servers/{server}/tools/{tool}": {"enabled": False},
    "PATCH /servers/{server}/resources/{resource}": {"enabled": False},
    "PATCH /servers/{server}/prompts/{prompt}": {"enabled": False},
    "PATCH /servers/{server}/tools/{tool}/settings": {"set": {"running": 3}},
    "PATCH /servers/{server}/rules": {"set": [{"target": "header", "name": "X-A", "constant": "a"}]},
    "PUT /servers/{server}/caller-assertion": {"enabled": False},
    "PATCH /servers/{server}/tools/{tool}/rules": {"set": [{"target": "argument", "name": "query", "constant": "a"}]},
    "PATCH /agents/{agent}/limits": {"set": {"calls_per_minute": 10}},
    "PATCH /profiles/{profile}": {"posture": "guarded"},
    "PATCH /profiles/{profile}/fields": {"set": [{"kind": "email", "show": "masked"}]},
    "PATCH /agents/{agent}": {"status": "disabled"},
    "PATCH /agents/{agent}/setup": {"role": "planner"},
    "PATCH /users/{user}": {"role": "viewer"},
    "PATCH /contacts/{contact}": {"language": "fr"},
    "PUT /profiles/{profile}/roles/{user}": {"role": "operator"},
    "PATCH /webhooks/{webhook}": {"state": "paused"},
    "POST /approvals/{approval}/settle": {"found": "failed"},
    "POST /conversations/{conversation}/messages": {"message": "mine?"},
    "POST /conversations/{conversation}/feedback": {"score": 1},
    "POST /shopper/conversations/{conversation}/messages": {"message": "mine?"},
    "POST /shopper/conversations/{conversation}/feedback": {"thumb": "up"},
    "POST /handovers/{handover}/answer": {"message": "mine?"},
    "PATCH /knowledge/entries/{entry}": {"status": "archived"},
    "PATCH /knowledge/proposals/{proposal}": {"status": "approved"},
}


async def _ids(as_: As, side: Side) -> dict[str, list[str]]:
    """Ids and names of one workspace, by the path parameter that takes them."""
    owner = as_("owner", side)
    servers = (await owner.get("/servers?limit=50"))["items"]
    own = next(one for one in servers if one["kind"] == "remote")
    asked = await as_("agent", side).patch("/contacts/C-1", {"language": "de"}, status=202)
    keys, users = (await owner.get("/keys"))["items"], (await owner.get("/users"))["items"]
    if not any(one["posture"] == "customer" for one in (await owner.get("/profiles"))["items"]):
        await owner.post("/profiles", {"slug": "shoppers", "posture": "customer"})
    session = await owner.post("/shopper-sessions", {"customer": "C-1"})
    invited = await owner.post("/invitations", {"email": f"new@{side.workspace_id[:12].lower()}.test"})
    client = await owner.post("/oauth-clients", {"name": "Desk", "redirect_uris": ["https://desk.example/cb"]})
    if not (await owner.get("/webhooks"))["items"]:
        await owner.post("/webhooks", {"name": "only-theirs", "url": "http://127.0.0.1:18098/"})
    if not (await owner.get("/delegations"))["items"]:
        week = {"starts_at": "2026-01-01T00:00:00Z", "ends_at": to_rfc3339(system_now() + timedelta(days=7))}
        await owner.post("/delegations", {"to": side.users["admin"], **week})
    rules = [one for one in (await owner.get("/policy/rules"))["rules"] if not one["built_in"]]
    if not rules:
        never = {"name": "only-theirs", "outcome": "ask", "tool": "no_such_tool", "reason": "to be found"}
        rules = [(await owner.post("/policy/rules", never))["rule"]]
    note = {"slug": f"note-{side.workspace_id[-8:].lower()}", "title": "Note", "body": "Ours alone."}
    if not (await owner.get("/knowledge/entries"))["items"]:
        await owner.post("/knowledge/entries", note)
        await owner.post("/knowledge/proposals", {"entry": note["slug"], "body": "Changed.", "reason": "why"})
    return {
        "entry": [(await owner.get("/knowledge/entries"))["items"][0]["id"], note["slug"]],
        "proposal": [(await owner.get("/knowledge/proposals"))["items"][0]["id"]],
        "webhook": [(await owner.get("/webhooks"))["items"][0]["id"], "only-theirs"],
        "delegation": [(await owner.get("/delegations"))["items"][0]["id"]],
        "server": [own["id"], own["slug"]],
        "successor": [own["id"], own["slug"]],
        "tool": [(await owner.get("/servers/customers/tools"))["items"][0]["id"]],
        "resource": [(await owner.get("/servers/orders/resources"))["items"][0]["id"]],
        "prompt": [(await owner.get("/servers/orders/prompts"))["items"][0]["id"]],
        "assignment": [(await owner.get("/assignments"))["items"][0]["id"]],
        "profile": [(await owner.get("/profiles"))["items"][0]["id"], "only-theirs"],
        "agent": [side.agent_id, "only-theirs"],
        "key": [keys[0]["id"], keys[0]["prefix"]],
        "shopper_session": [session["id"], session["prefix"]],
        "user": [users[0]["id"], users[0]["email"]],
        "approval": [asked["approval_id"]],
        "rule": [rules[0]["id"], rules[0]["name"]],
        "contact": ["cus_99", "C-99"],
        "invitation": [invited["id"], invited["email"]],
        "client": [client["id"], client["client_id"]],
        "grant": [(await owner.get("/oauth-grants"))["items"][0]["id"]],
        "conversation": [(await owner.post("/conversations", {"agent": "supply"}))["id"]],
        "row": [(await owner.get("/audit"))["items"][0]["id"]],
    }


async def _foreign(as_: As, side: Side) -> dict[str, list[str]]:
    owner = as_("owner", side)
    await owner.post("/servers", {"slug": "only-theirs", "url": "http://127.0.0.1:18099/mcp"})
    await owner.post("/profiles", {"slug": "only-theirs"})
    await owner.post("/agents", {"profile": "only-theirs", "slug": "only-theirs"})
    return await _ids(as_, side)


async def _customer(as_: As, side: Side) -> Client:
    made = await as_("owner", side).post("/shopper-sessions", {"customer": "C-1", "profile": "shoppers"})
    return as_(secret=made["token"])


async def test_every_route_with_the_ids_of_another_workspace(
    http: httpx2.AsyncClient, as_: As, acme: Side, rival: Side, hub: Tradepost
) -> None:
    """Also with an id that exists in one place of the path, and a foreign one in the other."""
    theirs = await _foreign(as_, rival)
    await open_shop(hub, acme, rival)
    customer, their_customer = await _customer(as_, acme), await _customer(as_, rival)
    chat = (await their_customer.post("/shopper/conversations", {}))["id"]
    await their_customer.post(f"/shopper/conversations/{chat}/person", {}, status=200)
    theirs["handover"] = [chat, (await as_("owner", rival).get("/handovers"))["items"][0]["id"]]
    document = (await http.get("/api/v1/openapi.json")).json()
    tried = 0
    for path, operations in document["paths"].items():
        short = path.removeprefix("/api/v1")
        parameters = [part[1:-1] for part in short.split("/") if part.startswith("{")]
        if not parameters:
            continue
        name = parameters[-1]
        for method in operations:
            caller = as_("agent" if short.startswith("/contacts") else "owner")
            if short.startswith("/shopper/"):
                caller = customer
            body = None if method in ("get", "delete") else BODIES.get(f"{method.upper()} {short}", {})
            answers = set()
            for value in ("no_such_thing", *theirs[name]):
                where = (
                    short.replace("{server}", "customers").replace("{profile}/", "internal/")
                    if len(parameters) > 1
                    else short
                )
                answer = await caller.send(method.upper(), where.replace("{" + name + "}", value), body)
                problem(answer, 404, "not_found")
                answers.add((answer.content, answer.headers["content-type"], "retry-after" in answer.headers))
                tried += 1
            assert len(answers) == 1, f"{method} {short}: {answers}"
    assert tried > 80
    untouched = await _ids(as_, rival)
    assert untouched["key"] == theirs["key"]


async def test_foreign_ids_in_bodies_and_filters(as_: As, acme: Side, rival: Side) -> None:
    theirs = await _foreign(as_, rival)
    owner = as_("owner")
    tools = (await owner.get("/servers/customers/tools"))["items"]
    requests = [
        ("POST", "/keys", {"agent": "VALUE"}, "agent"),
        ("POST", "/keys", {"user": "VALUE"}, "user"),
        ("POST", "/agents", {"profile": "VALUE", "slug": "spy"}, "profile"),
        ("POST", "/assignments", {"server": "customers", "tool": tools[0]["name"], "agent": "VALUE"}, "agent"),
        ("POST", "/assignments", {"server": "VALUE", "tool": "search", "agent": "supply"}, "server"),
        ("POST", "/assignments", {"server": "customers", "tool": "VALUE", "agent": "supply"}, "tool"),
        ("GET", "/assignments?server=VALUE", None, "server"),
        ("GET", "/assignments?profile=VALUE", None, "profile"),
        ("GET", "/approvals?agent=VALUE", None, "agent"),
        ("GET", "/oauth-grants?user=VALUE", None, "user"),
        ("POST", "/oauth-clients", {"name": "Spy", "proof": "secret", "agent": "VALUE"}, "agent"),
    ]
    for method, path, body, name in requests:
        answers = set()
        for value in ("no_such_thing", *theirs[name]):
            given = {key: value if one == "VALUE" else one for key, one in body.items()} if body else None
            answer = await owner.send(method, path.replace("VALUE", value), given)
            problem(answer, 404, "not_found")
            answers.add(answer.content)
        assert len(answers) == 1, f"{method} {path}: {answers}"


async def test_filters_that_name_nothing_of_ours_find_nothing(as_: As, rival: Side) -> None:
    rows = (await as_("owner", rival).get("/audit"))["items"]
    owner = as_("owner")
    for name in ("request_id", "agent_id", "user_id", "action_id"):
        value = next((row[name] for row in rows if row[name]), "nothing")
        assert (await owner.get(f"/audit?{name}={value}"))["items"] == []
    assert (await owner.get(f"/usage?agent_id={rival.agent_id}"))["items"] == []


async def test_cursors_of_another_workspace_list_or_filter(as_: As, acme: Side, rival: Side) -> None:
    for path in ("/servers", "/users", "/keys", "/agents", "/assignments", "/audit", "/servers/customers/tools"):
        theirs = (await as_("owner", rival).get(f"{path}?limit=1"))["next_cursor"]
        assert theirs is not None, path
        answer = await as_("owner").send("GET", f"{path}?limit=1&cursor={theirs}")
        assert problem(answer, 400, "invalid_argument")["field"] == "cursor"
    ours = (await as_("owner").get("/users?limit=1"))["next_cursor"]
    problem(await as_("owner").send("GET", f"/agents?cursor={ours}"), 400, "invalid_argument")
    filtered = (await as_("owner").get("/audit?kind=admin&limit=1"))["next_cursor"]
    problem(await as_("owner").send("GET", f"/audit?kind=read&cursor={filtered}"), 400, "invalid_argument")
