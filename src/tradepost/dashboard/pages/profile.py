"""A profile: what its agents may do on their own, the tools that all of them see, and which personal data."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.pages import agents
from tradepost.dashboard.visit import Visit

POSTURES = {
    "propose": "A person approves every write, but for those that a rule lets through.",
    "guarded": "Writes go through; a person approves what destroys something or moves money, and what a rule asks for.",
    "customer": "For agents that customers talk with: a person approves every write that a rule does not let through.",
}
KINDS = ("email", "phone", "address", "name", "other")
SHOWN = ("masked", "left_out")
ROLES = ("viewer", "operator", "admin", "owner")
_DONE = {
    "made": "The profile is made. Make an agent in it, then hand out tools.",
    "posture": "It holds from the next call of each of its agents on.",
    "fields": "It holds from the next call on, also for what was kept of earlier ones.",
    "taken": "Its agents do not see the tool any more, from their next list on.",
}
_NOTHING: dict[str, str] = {}


async def create(visit: Visit) -> Response:
    """POST /profiles."""
    body = {name: visit.fields.get(name, "").strip() for name in ("slug", "name", "posture")}
    try:
        made = await visit.rest.send("POST", "profiles", body=body)
    except Refused as refused:
        return await agents.overview(visit, refused.problem, profile=visit.fields)
    return visit.go(link("profiles", made["slug"], done="made"))


async def show(visit: Visit) -> Response:
    """GET /profiles/{profile}."""
    return await _page(visit)


async def change(visit: Visit) -> Response:
    """POST /profiles/{profile}: its posture, or a rule about personal data."""
    profile, fields = visit.part("profile"), visit.fields
    try:
        if "posture" in fields:
            await visit.rest.send("PATCH", "profiles", profile, body={"posture": fields["posture"]})
            return visit.go(link("profiles", profile, done="posture"))
        await visit.rest.send("PATCH", "profiles", profile, "fields", body=_rules(fields))
    except Refused as refused:
        return await _page(visit, refused.problem, fields)
    return visit.go(link("profiles", profile, done="fields"))


async def take_away(visit: Visit) -> Response:
    """POST /profiles/{profile}/assignments/{assignment}: a tool that all its agents saw."""
    await visit.rest.send("DELETE", "assignments", visit.part("assignment"))
    return visit.go(link("profiles", visit.part("profile"), done="taken"))


def _rules(fields: Mapping[str, str]) -> dict[str, Any]:
    if "unset" in fields:
        return {"unset": [fields["unset"]]}
    rule: dict[str, Any] = {"kind": fields.get("kind", "").strip(), "show": fields.get("show", "")}
    if fields.get("but_for"):
        rule["but_for"] = fields["but_for"]
    return {"set": [rule]}


async def _page(visit: Visit, said: Problem | None = None, given: Mapping[str, str] = _NOTHING) -> Response:
    slug = visit.part("profile")
    profile = await visit.rest.get("profiles", slug)
    own = [one for one in await visit.rest.all("agents") if one["profile"] == profile["slug"]]
    return await visit.page(
        "profile.html",
        200 if said is None else said.status,
        said=said,
        done=_DONE.get(visit.asked("done")),
        profile=profile,
        postures=POSTURES,
        rules=(await visit.rest.get("profiles", slug, "fields"))["rules"],
        tools=await visit.rest.all("assignments", profile=slug),
        agents=own,
        kinds=KINDS,
        shown=SHOWN,
        roles=ROLES,
        given=given,
    )


PAGES = (
    ("/profiles", "POST", create),
    ("/profiles/{profile}", "GET", show),
    ("/profiles/{profile}", "POST", change),
    ("/profiles/{profile}/assignments/{assignment}", "POST", take_away),
)
