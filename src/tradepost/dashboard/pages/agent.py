"""One agent: its instructions, model and limits, the tools it sees, and a place to try it."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit

ROLES = ("specialist", "planner", "shopper")
_DONE = {
    "made": "The agent is made. Give it instructions, then assign it tools on the page of a server.",
    "changed": "Done. It holds from the next message on.",
    "limited": "It holds from the next call on.",
    "enabled": "Its keys work again.",
    "disabled": "None of its keys works any more, from the next call on.",
}


async def show(visit: Visit) -> Response:
    """GET /agents/{agent}."""
    return await _page(visit)


async def change(visit: Visit) -> Response:
    """POST /agents/{agent}: how it works."""
    fields = visit.fields
    try:
        await visit.rest.send("PATCH", "agents", visit.part("agent"), "setup", body=_setup(fields))
    except Refused as refused:
        return await _page(visit, refused.problem, fields)
    return visit.go(link("agents", visit.part("agent"), done="changed"))


async def limit(visit: Visit) -> Response:
    """POST /agents/{agent}/limits: one of the limits of its calls; empty lets what stands behind it hold again."""
    fields = visit.fields
    name, said = fields.get("name", ""), fields.get("value", "").strip()
    try:
        if said and not (said.isdecimal() and len(said) < 16):
            raise Refused(
                Problem(400, "Not changed", f"{said[:40]} is no whole number.", "Leave it empty to unset it.")
            )
        body: dict[str, Any] = {"set": {name: int(said)}} if said else {"unset": [name]}
        await visit.rest.send("PATCH", "agents", visit.part("agent"), "limits", body=body)
    except Refused as refused:
        return await _page(visit, refused.problem)
    return visit.go(link("agents", visit.part("agent"), done="limited"))


async def rescope(visit: Visit) -> Response:
    """POST /agents/{agent}/scopes: all that it has from now on."""
    try:
        body = {"scopes": sorted(set(visit.fields.get("scopes", "").split()))}
        await visit.rest.send("PATCH", "agents", visit.part("agent"), body=body)
    except Refused as refused:
        return await _page(visit, refused.problem, visit.fields)
    return visit.go(link("agents", visit.part("agent"), done="limited"))


async def switch(visit: Visit) -> Response:
    """POST /agents/{agent}/switch: shut it out, or let it in again."""
    on = visit.fields.get("to") == "active"
    await visit.rest.send("PATCH", "agents", visit.part("agent"), body={"status": "active" if on else "disabled"})
    return visit.go(link("agents", visit.part("agent"), done="enabled" if on else "disabled"))


async def ask(visit: Visit) -> Response:
    """POST /agents/{agent}/ask: a conversation that begins with these words."""
    body = {"agent": visit.part("agent"), "message": visit.fields.get("message", "").strip()}
    try:
        begun = await visit.rest.send("POST", "conversations", body=body)
    except Refused as refused:
        return await _page(visit, refused.problem, visit.fields)
    return visit.go(link("conversations", begun["id"]))


def _setup(fields: Mapping[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "role": fields.get("role", ""),
        "instructions": fields.get("instructions", "").replace("\r\n", "\n"),
        "model": fields.get("model", "").strip(),
        "fallback_model": fields.get("fallback_model", "").strip(),
    }
    limits: dict[str, int | None] = {}
    for name, said in fields.items():
        if name.startswith("limit:"):
            if said.strip() and not said.strip().isdecimal():
                problem = Problem(
                    400, "Not changed", f"{said[:40]} is no whole number.", "Leave it empty for the default."
                )
                raise Refused(problem)
            limits[name.removeprefix("limit:")] = int(said) if said.strip() else None
    return {**body, "limits": limits} if limits else body


async def _page(visit: Visit, said: Problem | None = None, given: Mapping[str, str] | None = None) -> Response:
    slug = visit.part("agent")
    agent = await visit.rest.get("agents", slug)
    setup = await visit.rest.get("agents", slug, "setup")
    own = await visit.rest.all("assignments", agent=slug)
    shared = await visit.rest.all("assignments", profile=agent["profile"])
    catalog = await visit.rest.get("agents", slug, "catalog")
    limits = (await visit.rest.get("agents", slug, "limits"))["limits"]
    talks = await visit.rest.get("conversations", agent=slug, limit=5)
    return await visit.page(
        "agent.html",
        200 if said is None else said.status,
        said=said,
        done=_DONE.get(visit.asked("done")),
        agent=agent,
        setup=setup | {name: kept for name, kept in (given or {}).items() if name in setup and name != "limits"},
        seen=_costliest_first(catalog["tools"]) if visit.asked("sort") == "tokens" else catalog["tools"],
        catalog=catalog,
        call_limits=limits,
        scopes=(given or {}).get("scopes", " ".join(agent["scopes"])),
        through={one["exposed_name"]: "itself" if one["agent"] else "its profile" for one in [*shared, *own]},
        roles=ROLES,
        talks=talks["items"],
        message=(given or {}).get("message", ""),
    )


def _costliest_first(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(tools, key=lambda one: -int(one["tokens"]))


PAGES = (
    ("/agents/{agent}", "GET", show),
    ("/agents/{agent}", "POST", change),
    ("/agents/{agent}/limits", "POST", limit),
    ("/agents/{agent}/scopes", "POST", rescope),
    ("/agents/{agent}/switch", "POST", switch),
    ("/agents/{agent}/ask", "POST", ask),
)
