"""Pick a server from an MCP registry: look for it, say what it asks for, and go on with the test."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.pages.new_server import STEPS
from tradepost.dashboard.visit import Visit
from tradepost.foundation.errors import NotFound

OFFICIAL = "https://registry.modelcontextprotocol.io"
ON_A_PAGE = 30
_VALUE = "value:"


async def browse(visit: Visit) -> Response:
    """GET /integrations/new/registry: nothing is asked of a registry before somebody has named it."""
    asked, said, found = visit.query, None, None
    registry = asked.get("registry", "").strip()
    if registry:
        query = {"search": asked.get("search"), "cursor": asked.get("cursor"), "limit": ON_A_PAGE}
        try:
            found = await visit.rest.get("registry", "servers", registry=registry, **query)
        except Refused as refused:
            said = refused.problem
    return await visit.page(
        "registry.html",
        200 if said is None else said.status,
        said=said,
        registry=registry or OFFICIAL,
        found=found,
        steps=STEPS,
        step=0,
    )


async def asking(visit: Visit) -> Response:
    """GET /integrations/new/registry/add: what one of them wants to know."""
    return await _asking(visit, visit.asked("registry"), visit.asked("name"))


async def add(visit: Visit) -> Response:
    """POST /integrations/new/registry/add: keep it. Nothing is connected yet."""
    fields = visit.fields
    registry, name = fields.get("registry", ""), fields.get("name", "")
    given = {one.removeprefix(_VALUE): value for one, value in fields.items() if one.startswith(_VALUE) and value}
    body: dict[str, Any] = {"registry": registry, "name": name, "values": given}
    if fields.get("version"):
        body["version"] = fields["version"]
    if fields.get("slug", "").strip():
        body["slug"] = fields["slug"].strip()
    try:
        made = await visit.rest.send("POST", "registry", "servers", body=body)
    except Refused as refused:
        return await _asking(visit, registry, name, fields, refused.problem)
    return visit.go(link("integrations", made["slug"], "test"))


async def _asking(
    visit: Visit, registry: str, name: str, fields: Mapping[str, str] | None = None, said: Problem | None = None
) -> Response:
    found = await visit.rest.get("registry", "servers", registry=registry, search=name, limit=50)
    offer = next((one for one in found["items"] if one["name"] == name), None)
    if offer is None:
        raise NotFound("The registry does not offer this server any more.", hint="Look for it again.")
    # The same choice that the route makes: streamable HTTP before the old event streams.
    remote = min(offer["remotes"], key=lambda one: one["type"] != "streamable-http", default=None)
    asked = {} if remote is None else {one["name"]: one for one in remote["variables"]}
    for header in [] if remote is None else remote["headers"]:
        for one in header["variables"] if header["template"] is not None else [header["value"]]:
            asked.setdefault(one["name"], one)
    return await visit.page(
        "registry_add.html",
        200 if said is None else said.status,
        said=said,
        registry=registry,
        offer=offer,
        remote=remote,
        asked=list(asked.values()),
        given=fields or {},
        steps=STEPS,
        step=0,
    )


PAGES = (
    ("/integrations/new/registry", "GET", browse),
    ("/integrations/new/registry/add", "GET", asking),
    ("/integrations/new/registry/add", "POST", add),
)
