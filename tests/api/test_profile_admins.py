"""An admin of one profile changes what is that profile's own, and nothing else of the workspace."""

from tests.api.conftest import As
from tests.api.world import Side, problem
from tradepost.app import Tradepost
from tradepost.hub.access.people import find_user
from tradepost.hub.access.profile_roles import set_profile_role
from tradepost.hub.access.roles import caller_for_user


async def test_what_is_the_profiles_own_and_what_is_not(as_: As, hub: Tradepost, acme: Side) -> None:
    owner, viewer = as_("owner"), as_("viewer")
    home = (await owner.get("/agents"))["items"][0]
    await owner.post("/profiles", {"slug": "elsewhere"})
    await owner.post("/agents", {"profile": "elsewhere", "slug": "stranger"})
    tools = {tool["name"] for tool in (await owner.get("/servers/orders/tools?limit=50"))["items"]}
    assert {"get_order", "cancel_order", "list_orders"} & tools
    one, other = sorted(tools)[:2]
    await owner.send("PATCH", f"/servers/orders/tools/{other}", {"enabled": False})

    async def role(name: str | None) -> None:
        async with hub.hub.transaction(acme.workspace_id, write=True) as session:
            by = caller_for_user((await find_user(session, "owner@acme.test")), "req_test")
            await set_profile_role(session, by, "viewer@acme.test", home["profile"], name)  # type: ignore[arg-type]

    mine = {"server": "orders", "tool": one, "profile": home["profile"], "exposed_name": "mine"}
    for lower in (None, "operator"):
        await role(lower)
        problem(await viewer.send("POST", "/assignments", mine), 403, "forbidden_scope")
    await role("admin")
    made = await viewer.post("/assignments", mine)
    changed = {"exposed_name": "ours", "title": "Ours", "description": "What we call it."}
    assert (await viewer.patch(f"/assignments/{made['id']}", changed))["exposed_name"] == "ours"
    theirs = await owner.post("/assignments", {**mine, "profile": "elsewhere"})
    agent = await viewer.post("/agents", {"profile": home["profile"], "slug": "newcomer", "scopes": ["read:customers"]})
    await viewer.patch("/agents/newcomer", {"status": "disabled"})
    await viewer.patch("/agents/newcomer", {"scopes": []})

    refused = [
        ("POST", "/assignments", {**mine, "tool": other, "exposed_name": "other"}),  # nobody enabled it
        ("POST", "/assignments", {**mine, "profile": "elsewhere"}),
        ("POST", "/assignments", {"server": "orders", "tool": one, "agent": "stranger"}),
        ("PATCH", f"/assignments/{theirs['id']}", {"exposed_name": "stolen"}),
        ("DELETE", f"/assignments/{theirs['id']}", None),
        ("POST", "/agents", {"profile": "elsewhere", "slug": "spy"}),
        ("POST", "/agents", {"profile": home["profile"], "slug": "spy", "scopes": ["write:orders"]}),
        ("PATCH", "/agents/newcomer", {"scopes": ["write:orders"]}),
        ("PATCH", "/agents/stranger", {"status": "disabled"}),
        ("PATCH", f"/servers/orders/tools/{other}", {"enabled": True}),
        ("POST", f"/servers/orders/tools/{other}/approve", {}),
        ("POST", "/servers", {"slug": "mine", "url": "https://mcp.example.com/mcp"}),
        ("POST", "/servers/orders/disable", {}),
        ("GET", "/servers/orders/headers", None),
        ("GET", "/vault", None),
        ("GET", "/configuration", None),
        ("GET", "/keys", None),
        ("POST", "/keys", {"agent": "newcomer"}),
        ("POST", "/profiles", {"slug": "more"}),
        ("PATCH", f"/profiles/{home['profile']}", {"posture": "guarded"}),
        ("PATCH", f"/users/{acme.users['viewer']}", {"role": "owner"}),
        ("PATCH", "/registry-rules", {"visible_tools": 90}),
    ]
    for method, path, body in refused:
        problem(await viewer.send(method, path, body), 403, "forbidden_scope")
    assert (await owner.get("/agents/stranger"))["status"] == "active"

    audited = (await owner.get("/audit?kind=admin&limit=50"))["items"]
    by_viewer = {row["tag"] for row in audited if row["user_id"] == acme.users["viewer"]}
    assert {"tool:assigned", "agent:created", "agent:disabled", "agent:scopes"} <= by_viewer
    assert agent["profile"] == home["profile"]
    assert (await viewer.send("DELETE", f"/assignments/{made['id']}")).status_code == 204
    await role(None)
    problem(await viewer.send("POST", "/assignments", mine), 403, "forbidden_scope")
