"""The servers that are connected: those of the shop itself, and the MCP servers of others."""

from typing import Any

from starlette.responses import Response

from tradepost.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    """GET /integrations."""
    found = await visit.rest.get("servers", limit=50, cursor=visit.asked("cursor"))
    menu = await visit.menu()
    waiting = {one["server"]: one for one in (menu.attention or {"tools": []})["tools"]}
    items: list[dict[str, Any]] = [{**one, "waiting": waiting.get(one["slug"])} for one in found["items"]]
    return await visit.page(
        "integrations.html",
        bundled=[one for one in items if one["kind"] == "builtin"],
        others=[one for one in items if one["kind"] != "builtin"],
        more=found["next_cursor"],
        done="The server was deleted, with its tools and assignments." if visit.asked("done") == "deleted" else None,
    )


PAGES = (("/integrations", "GET", show),)
