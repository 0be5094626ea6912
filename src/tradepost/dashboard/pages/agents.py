"""All agents, by profile, and making one."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    """GET /agents."""
    return await overview(visit)


async def create(visit: Visit) -> Response:
    """POST /agents."""
    fields = visit.fields
    body = {name: fields.get(name, "").strip() for name in ("profile", "slug", "name", "description")}
    try:
        made = await visit.rest.send("POST", "agents", body=body)
    except Refused as refused:
        return await overview(visit, refused.problem, fields)
    return visit.go(link("agents", made["slug"], done="made"))


async def overview(
    visit: Visit,
    said: Problem | None = None,
    given: Mapping[str, str] | None = None,
    profile: Mapping[str, str] | None = None,
) -> Response:
    """The page, with what was wrong about an agent or a `profile` that was to be made, and what was typed."""
    agents = await visit.rest.all("agents")
    profiles = await visit.rest.all("profiles")
    grouped: list[dict[str, Any]] = [
        {**profile, "agents": [one for one in agents if one["profile"] == profile["slug"]]} for profile in profiles
    ]
    status = 200 if said is None else said.status
    return await visit.page("agents.html", status, said=said, profiles=grouped, given=given or {}, asked=profile or {})


PAGES = (("/agents", "GET", show), ("/agents", "POST", create))
