"""One server: how it is, what it offers, who may use it; refreshed, switched off, given another credential, deleted."""

from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.pages.new_server import credential_of
from tradepost.dashboard.visit import Visit

MOST_COMPARED = 20  # changed tools side by side on a page; the others on their own pages
_DONE = {
    "ready": "The server is set up. What you enabled can be called from the next call on.",
    "credential": "The new credential goes out with the next connection.",
    "enabled": "It is enabled.",
    "disabled": "It is disabled: none of its tools can be called from the next call on.",
    "tool": "Done. It holds from the next call on.",
}


async def show(visit: Visit) -> Response:
    """GET /integrations/{server}."""
    return await _page(visit)


async def refresh(visit: Visit) -> Response:
    """POST /integrations/{server}/refresh: ask it again, and say what is different."""
    try:
        found = await visit.rest.send("POST", "servers", visit.part("server"), "discover")
    except Refused as refused:
        return await _page(visit, said=refused.problem)
    return await _page(visit, difference=found)


async def switch(visit: Visit) -> Response:
    """POST /integrations/{server}/switch: enable or disable the whole server."""
    server = visit.part("server")
    wanted = "enable" if visit.fields.get("to") == "enable" else "disable"
    await visit.rest.send("POST", "servers", server, wanted)
    return visit.go(link("integrations", server, done=f"{wanted}d"))


async def credential(visit: Visit) -> Response:
    """POST /integrations/{server}/credential: another one, or none."""
    server = visit.part("server")
    try:
        await visit.rest.send("PUT", "servers", server, "credential", body={"credential": credential_of(visit.fields)})
    except Refused as refused:
        return await _page(visit, said=refused.problem)
    return visit.go(link("integrations", server, done="credential"))


async def deleting(visit: Visit) -> Response:
    """GET /integrations/{server}/delete: what will disappear."""
    slug = visit.part("server")
    server = await visit.rest.get("servers", slug)
    tools = await visit.rest.all("servers", slug, "tools")
    return await visit.page(
        "delete_server.html", server=server, tools=tools, assigned=await visit.rest.all("assignments", server=slug)
    )


async def delete(visit: Visit) -> Response:
    """POST /integrations/{server}/delete: once its name was typed."""
    server = await visit.rest.get("servers", visit.part("server"))
    if visit.fields.get("slug", "").strip() != server["slug"]:
        raise Refused(
            Problem(400, "Not deleted", f"That is not the short name {server['slug']}.", "Type it as it stands there.")
        )
    await visit.rest.send("DELETE", "servers", server["slug"])
    return visit.go(link("integrations", done="deleted"))


async def switch_tools(visit: Visit) -> Response:
    """POST /integrations/{server}/tools: enable or disable one tool."""
    server, fields = visit.part("server"), visit.fields
    on = "enable" in fields
    tool = fields.get("enable") or fields.get("disable") or ""
    try:
        await visit.rest.send("PATCH", "servers", server, "tools", tool, body={"enabled": on})
    except Refused as refused:
        return await _page(visit, said=refused.problem)
    return visit.go(link("integrations", server, done="tool"))


async def _page(visit: Visit, said: Problem | None = None, difference: dict[str, Any] | None = None) -> Response:
    slug = visit.part("server")
    server = await visit.rest.get("servers", slug)
    assigned: dict[str, list[str]] = {}
    for one in await visit.rest.all("assignments", server=slug):
        assigned.setdefault(one["tool"], []).append(one["agent"] or f"all of {one['profile']}")
    tools = await visit.rest.all("servers", slug, "tools")
    changed = [one["name"] for one in tools if one["waits"] and one["state"] in ("enabled", "quarantined")]
    headers = (await visit.rest.get("servers", slug, "headers"))["headers"] if visit.may_change else []
    return await visit.page(
        "server.html",
        200 if said is None else said.status,
        said=said,
        done=_DONE.get(visit.asked("done")),
        server=server,
        connection=await visit.rest.get("servers", slug, "connection"),
        tools=tools,
        waiting=[await visit.rest.get("servers", slug, "tools", name) for name in changed[:MOST_COMPARED]],
        further=max(0, len(changed) - MOST_COMPARED),
        assigned=assigned,
        headers=headers,
        history=(await visit.rest.get("servers", slug, "history", limit=10))["items"],
        names={one["id"]: one["name"] or one["email"] for one in await visit.rest.all("users")},
        difference=difference,
    )


PAGES = (
    ("/integrations/{server}", "GET", show),
    ("/integrations/{server}/refresh", "POST", refresh),
    ("/integrations/{server}/switch", "POST", switch),
    ("/integrations/{server}/credential", "POST", credential),
    ("/integrations/{server}/delete", "GET", deleting),
    ("/integrations/{server}/delete", "POST", delete),
    ("/integrations/{server}/tools", "POST", switch_tools),
)
