"""What agents may do without asking: the rules in words, what another one would have meant last week, freezes, and a
bench to try calls."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit

OUTCOMES = ("ask", "deny", "allow")
CLASSES = ("read", "write", "destructive")
ROLES = ("admin", "owner")  # beside the usual one
NUMBERS = ("order", "expires_minutes")
MOMENTS = ("from", "to", "start", "end", "zone")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DONE = {
    "added": "The rule acts from the very next call on.",
    "removed": "The rule is gone, from the very next call on.",
    "switched": "Done. It holds from the very next call on.",
    "frozen": "Writes are frozen from now on.",
    "unfrozen": "Writes go on.",
}
_NOTHING: dict[str, str] = {}


async def show(visit: Visit) -> Response:
    """GET /policy."""
    return await _page(visit)


async def add(visit: Visit) -> Response:
    """POST /policy: add a rule, or only look what it would have meant last week."""
    fields = visit.fields
    trial = fields.get("do") == "try"
    try:
        found = await visit.rest.send("POST", "policy", "rules", body=_rule(fields), dry_run="true" if trial else None)
    except Refused as refused:
        return await _page(visit, refused.problem, given=fields)
    return await _page(visit, given=fields, trial=found) if trial else visit.go(link("policy", done="added"))


async def change(visit: Visit) -> Response:
    """POST /policy/rules/{rule}: switch it, remove it, or look what last week would have been without it."""
    rule, what = visit.part("rule"), visit.fields.get("do", "")
    try:
        if what == "remove":
            await visit.rest.send("DELETE", "policy", "rules", rule)
            return visit.go(link("policy", done="removed"))
        if what == "without":
            return await _page(visit, trial=await visit.rest.send("DELETE", "policy", "rules", rule, dry_run="true"))
        await visit.rest.send("PATCH", "policy", "rules", rule, body={"enabled": what == "enable"})
    except Refused as refused:
        return await _page(visit, refused.problem)
    return visit.go(link("policy", done="switched"))


async def freeze(visit: Visit) -> Response:
    """POST /policy/freeze: stop writes now, or let them go on."""
    fields = visit.fields
    try:
        if fields.get("rule"):
            await visit.rest.send("DELETE", "policy", "freezes", fields["rule"])
            return visit.go(link("policy", done="unfrozen"))
        await visit.rest.send("POST", "policy", "freezes", body={"reason": fields.get("reason", "").strip()})
    except Refused as refused:
        return await _page(visit, refused.problem)
    return visit.go(link("policy", done="frozen"))


async def bench(visit: Visit) -> Response:
    """POST /policy/test: which rule decides each call of a table."""
    table = visit.fields.get("table", "").replace("\r\n", "\n")
    try:
        tried = await visit.rest.send("POST", "policy", "test", body={"table": table})
    except Refused as refused:
        return await _page(visit, refused.problem, given=visit.fields)
    return await _page(visit, given=visit.fields, tried=tried)


def _rule(fields: Mapping[str, str]) -> dict[str, Any]:
    """What the form says of a rule; what is empty is left out."""
    names = ("name", "outcome", "reason", "when", "profile", "agent", "server", "tool", "class", "approver_role")
    body: dict[str, Any] = {name: fields[name].strip() for name in names if fields.get(name, "").strip()}
    if fields.get("approvals") == "2":
        body["approvals"] = 2
    body |= {name: True for name in ("caller_may_confirm", "loosens") if fields.get(name)}
    body |= {name: _whole(fields[name].strip()) for name in NUMBERS if fields.get(name, "").strip()}
    window: dict[str, Any] = {name: fields[name].strip() for name in MOMENTS if fields.get(name, "").strip()}
    days = [day for day in DAYS if fields.get(f"day:{day}")]
    if days:
        window["days"] = days
    return body | {"window": window} if window else body


def _whole(said: str) -> int:
    """Raises Refused for what is no number."""
    if not said.isdecimal() or len(said) > 9:
        raise Refused(Problem(400, "Not added", f"{said[:40]} is no whole number.", "Leave it empty for the usual."))
    return int(said)


async def _page(
    visit: Visit,
    said: Problem | None = None,
    given: Mapping[str, str] = _NOTHING,
    trial: dict[str, Any] | None = None,
    tried: dict[str, Any] | None = None,
) -> Response:
    found = await visit.rest.get("policy", "rules")
    return await visit.page(
        "policy.html",
        200 if said is None else said.status,
        said=said,
        done=_DONE.get(visit.asked("done")),
        rules=found["rules"],
        freezes=[one for one in found["rules"] if one["kind"] == "freeze" and one["enabled"]],
        time_zone=found["time_zone"],
        outcomes=OUTCOMES,
        classes=CLASSES,
        roles=ROLES,
        days=DAYS,
        profiles=[one["slug"] for one in await visit.rest.all("profiles")],
        agents=[one["slug"] for one in await visit.rest.all("agents")],
        given=given,
        trial=trial,
        tried=tried,
    )


PAGES = (
    ("/policy", "GET", show),
    ("/policy", "POST", add),
    ("/policy/rules/{rule}", "POST", change),
    ("/policy/freeze", "POST", freeze),
    ("/policy/test", "POST", bench),
)
