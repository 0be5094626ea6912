"""One tool: every word a model would read, what is different in the definition that waits, and who sees
it."""

from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.pages.new_server import CLASSES
from tradepost.dashboard.visit import Visit

_DONE = {
    "approved": "Approved: agents see exactly this definition from the next call on.",
    "changed": "Done. It holds from the next call on.",
    "assigned": "It can be called from the next call on.",
    "unassigned": "It was taken away, from the next call on.",
}


async def show(visit: Visit) -> Response:
    """GET /integrations/{server}/tools/{tool}."""
    return await _page(visit)


async def approve(visit: Visit) -> Response:
    """POST …/approve: exactly the definition that was shown."""
    body = {"digest": visit.fields.get("digest", ""), "class": visit.fields.get("class") or "write"}
    return await _change(visit, "approved", "POST", "approve", body=body)


async def change(visit: Visit) -> Response:
    """POST …/change: its class and the scope it needs, or switch it."""
    fields = visit.fields
    body: dict[str, Any] = {"class": fields["class"]} if fields.get("class") in CLASSES else {}
    if fields.get("scope", "").strip():
        body["scope"] = fields["scope"].strip()
    if fields.get("switch") in ("enable", "disable"):
        body = {"enabled": fields["switch"] == "enable"}
    return await _change(visit, "changed", "PATCH", body=body)


async def assign(visit: Visit) -> Response:
    """POST …/assign: to an agent or a profile, under a name."""
    kind, _, holder = visit.fields.get("to", "").partition(":")
    body: dict[str, Any] = {"server": visit.part("server"), "tool": visit.part("tool")}
    body |= {kind: holder} if kind in ("agent", "profile") else {}
    if visit.fields.get("exposed_name", "").strip():
        body["exposed_name"] = visit.fields["exposed_name"].strip()
    try:
        await visit.rest.send("POST", "assignments", body=body)
    except Refused as refused:
        return await _page(visit, said=refused.problem)
    return _back(visit, "assigned")


async def unassign(visit: Visit) -> Response:
    """POST …/unassign: take it away from one who sees it."""
    await visit.rest.send("DELETE", "assignments", visit.fields.get("assignment", ""))
    return _back(visit, "unassigned")


async def _change(visit: Visit, done: str, method: str, *path: str, body: dict[str, Any]) -> Response:
    try:
        await visit.rest.send(method, "servers", visit.part("server"), "tools", visit.part("tool"), *path, body=body)
    except Refused as refused:
        return await _page(visit, said=refused.problem)
    return _back(visit, done)


def _back(visit: Visit, done: str) -> Response:
    if visit.fields.get("back") == "server":
        return visit.go(link("integrations", visit.part("server"), done="tool"))
    return visit.go(link("integrations", visit.part("server"), "tools", visit.part("tool"), done=done))


async def _page(visit: Visit, said: Problem | None = None) -> Response:
    slug, name = visit.part("server"), visit.part("tool")
    shown = await visit.rest.get("servers", slug, "tools", name)
    assigned = [one for one in await visit.rest.all("assignments", server=slug) if one["tool"] == shown["name"]]
    return await visit.page(
        "tool.html",
        200 if said is None else said.status,
        said=said,
        done=_DONE.get(visit.asked("done")),
        server=await visit.rest.get("servers", slug),
        tool=shown,
        classes=CLASSES,
        assigned=assigned,
        profiles=await visit.rest.all("profiles"),
        agents=await visit.rest.all("agents"),
    )


PAGES = (
    ("/integrations/{server}/tools/{tool}", "GET", show),
    ("/integrations/{server}/tools/{tool}/approve", "POST", approve),
    ("/integrations/{server}/tools/{tool}/change", "POST", change),
    ("/integrations/{server}/tools/{tool}/assign", "POST", assign),
    ("/integrations/{server}/tools/{tool}/unassign", "POST", unassign),
)
