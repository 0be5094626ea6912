"""The first steps: from an empty workspace to the first write that a person approved. Where each step stands is looked
up each time, so it does not matter on which page, by which command or in which order it was done."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit

LOOKED_AT = 20  # agents among which the one with the most tools is taken up, where none is named
USUAL_PROFILE = "team"
_DONE = {
    "agent": "The agent is made. It sees no tool yet.",
    "tools": "Its tools are handed out: it sees them from its next list on.",
}

Json = dict[str, Any]


async def show(visit: Visit) -> Response:
    """GET /first, of the agent in the query or the one that is furthest."""
    return await _page(visit)


async def take(visit: Visit) -> Response:
    """POST /first: the step that the form is about."""
    step, fields = visit.fields.get("step", ""), visit.fields
    try:
        if step == "agent":
            slug = await _make_agent(visit, fields)
            return visit.go(link("first", agent=slug, done=step))
        if step == "tools":
            slug = fields.get("agent", "")
            await _hand_out(
                visit, slug, [name.removeprefix("server:") for name in fields if name.startswith("server:")]
            )
            return visit.go(link("first", agent=slug, done=step))
        key = await visit.rest.send("POST", "keys", body={"agent": fields.get("agent", ""), "label": "first steps"})
    except Refused as refused:
        return await _page(visit, refused.problem, fields)
    return await _page(visit, made=key["key"])


async def _make_agent(visit: Visit, fields: Mapping[str, str]) -> str:
    """Its slug. A profile that is not there yet is made with it: writes of its agents wait for people."""
    profile = fields.get("profile", "").strip() or USUAL_PROFILE
    if profile not in [one["slug"] for one in await visit.rest.all("profiles")]:
        await visit.rest.send("POST", "profiles", body={"slug": profile})
    body = {"profile": profile, "slug": fields.get("slug", "").strip(), "name": fields.get("name", "").strip()}
    made = await visit.rest.send("POST", "agents", body=body)
    return str(made["slug"])


async def _hand_out(visit: Visit, slug: str, servers: list[str]) -> None:
    """All enabled tools of these servers to the agent's profile, and to the agent the scopes that they need."""
    if not servers:
        raise Refused(Problem(400, "Nothing handed out", "No server was ticked.", "Tick those whose tools it needs."))
    agent = await visit.rest.get("agents", slug)
    scopes = set(agent["scopes"])
    for server in servers:
        for tool in await visit.rest.all("servers", server, "tools"):
            if tool["state"] == "enabled":
                given = {"server": server, "tool": tool["name"], "profile": agent["profile"]}
                await visit.rest.send("POST", "assignments", body=given)
                scopes |= {tool["scope"]} - {None}
    await visit.rest.send("PATCH", "agents", slug, body={"scopes": sorted(scopes)})


async def _page(
    visit: Visit, said: Problem | None = None, given: Mapping[str, str] | None = None, made: str | None = None
) -> Response:
    agent = await _agent(visit)
    facts: Json = {"profiles": [], "servers": [], "keys": [], "calls": [], "waiting": [], "carried_out": []}
    facts["orders"] = None
    if agent is not None:
        facts = await _facts(visit, agent)
    elif visit.may_change:
        facts["profiles"] = await visit.rest.all("profiles")
    called = bool(facts["calls"] or facts["waiting"] or facts["carried_out"])
    done = [
        agent is not None,
        agent is not None and agent["visible_tools"] > 0,
        bool(facts["keys"]) or called,
        called,
        bool(facts["carried_out"]),
    ]
    return await visit.page(
        "first.html",
        200 if said is None else said.status,
        said=said,
        done=_DONE.get(visit.asked("done")),
        steps=done,
        agent=agent,
        given=given or {},
        made=made,
        usual_profile=USUAL_PROFILE,
        **facts,
    )


async def _agent(visit: Visit) -> Json | None:
    """The one that the steps are about: that is furthest where none is named. None where there is none."""
    named = visit.asked("agent") or visit.fields.get("agent", "")
    if not named:
        asked = await _items(visit, "approvals", state="pending", limit=1)
        named = (asked[0]["agent_id"] or "") if asked else ""
    if named:
        found: Json = await visit.rest.get("agents", named)
        return found
    listed = [one for one in (await visit.rest.get("agents", limit=LOOKED_AT))["items"] if one["status"] == "active"]
    agents = await asyncio.gather(*(visit.rest.get("agents", one["slug"]) for one in listed))
    return max(agents, key=lambda one: int(one["visible_tools"]), default=None)


async def _facts(visit: Visit, agent: Json) -> Json:
    keys, calls, waiting, carried_out, orders = await asyncio.gather(
        _items(visit, "keys"),
        _items(visit, "audit", agent_id=agent["id"], kind="read", limit=1),
        _items(visit, "approvals", agent=agent["slug"], state="pending", limit=5),
        _items(visit, "approvals", agent=agent["slug"], state="succeeded", limit=1),
        _orders(visit),
    )
    servers = [one for one in await visit.rest.all("servers") if one["status"] != "disabled"]
    own = [one for one in keys if one["agent_id"] == agent["id"] and one["revoked_at"] is None]
    done = {"calls": calls, "waiting": waiting, "carried_out": carried_out}
    return {"profiles": [], "servers": servers, "keys": own, **done, "orders": orders}


async def _items(visit: Visit, *path: str, **query: Any) -> list[Json]:
    """A list; nothing for whoever may not see it."""
    try:
        found: list[Json] = (await visit.rest.get(*path, **query))["items"]
    except Refused as refused:
        if refused.problem.status == 403:
            return []
        raise
    return found


async def _orders(visit: Visit) -> bool | None:
    """Whether the shop has an order; None where that is not to be found out."""
    try:
        answer = await visit.rest.send("POST", "reads", "search_orders", body={"arguments": {"limit": 1}})
    except Refused:
        return None
    return bool(answer["result"]["items"])


PAGES = (("/first", "GET", show), ("/first", "POST", take))
