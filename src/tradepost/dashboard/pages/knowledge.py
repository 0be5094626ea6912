"""The shop's knowledge: policies and articles, their editions, and proposals to change them."""

from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit
from tradepost.dashboard.words import names_of

KINDS = ("policy", "article")
STATUSES = ("published", "draft", "archived")


async def show(visit: Visit) -> Response:
    """GET /knowledge."""
    asked = {name: visit.asked(name) for name in ("q", "kind", "status")}
    said: Problem | None = None
    found: dict[str, Any] = {"items": [], "next_cursor": None}
    try:
        found = await visit.rest.get("knowledge", "entries", cursor=visit.asked("cursor"), **asked)
    except Refused as refused:
        said = refused.problem
    waiting = await visit.rest.get("knowledge", "proposals", status="proposed")
    return await visit.page(
        "knowledge.html",
        200 if said is None else said.status,
        said=said,
        items=found["items"],
        more=found["next_cursor"],
        asked=asked,
        kinds=KINDS,
        statuses=STATUSES,
        waiting=waiting["items"],
        names=await _names(visit) if waiting["items"] else {},
    )


async def entry(visit: Visit) -> Response:
    """GET /knowledge/{entry}."""
    slug = visit.part("entry")
    return await visit.page(
        "knowledge_entry.html",
        entry=await visit.rest.get("knowledge", "entries", slug),
        editions=await visit.rest.get("knowledge", "entries", slug, "editions"),
        names=await _names(visit),
    )


async def proposal(visit: Visit) -> Response:
    """GET /knowledge/proposals/{proposal}."""
    return await _proposal(visit)


async def decide(visit: Visit) -> Response:
    """POST /knowledge/proposals/{proposal}: approve or reject."""
    wanted = "approved" if visit.fields.get("answer") == "approve" else "rejected"
    body = {"status": wanted, "comment": visit.fields.get("comment", "").strip()}
    try:
        await visit.rest.send("PATCH", "knowledge", "proposals", visit.part("proposal"), body=body)
    except Refused as refused:
        return await _proposal(visit, refused.problem)
    return visit.go(link("knowledge", "proposals", visit.part("proposal")))


async def _proposal(visit: Visit, said: Problem | None = None) -> Response:
    found = await visit.rest.get("knowledge", "proposals", visit.part("proposal"))
    status = 200 if said is None else said.status
    return await visit.page("proposal.html", status, said=said, proposal=found, names=await _names(visit))


async def _names(visit: Visit) -> dict[str, str]:
    return names_of(await visit.rest.all("agents"), await visit.rest.all("users"))


PAGES = (
    ("/knowledge", "GET", show),
    ("/knowledge/proposals/{proposal}", "GET", proposal),
    ("/knowledge/proposals/{proposal}", "POST", decide),
    ("/knowledge/{entry}", "GET", entry),
)
