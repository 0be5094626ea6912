"""What holds for the whole workspace, and how the person who looks wants to be told. Who may not see or change a part
is told so by its route; the rest of the page stands all the same."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit

_DONE = {
    "zone": "Days and hours are those of this zone from now on.",
    "recording": "It holds from the next call on. What is recorded already stays as it is.",
    "conversations": "It holds for every conversation, also for those that are there.",
    "registry": "It holds from the next call on.",
    "notifications": "Kept.",
    "webhook": "Done.",
    "removed": "The webhook is removed. What was on its way there is not sent any more.",
}
_PARTS: dict[str, tuple[str, ...]] = {
    "workspace": ("workspace",),
    "policy": ("policy", "rules"),
    "recording": ("audit-settings",),
    "conversations": ("conversations", "rules"),
    "registry": ("registry-rules",),
    "notifications": ("notifications",),
    "webhooks": ("webhooks",),
    "vault": ("vault",),
}
KEEPING = ("full", "masked", "digest")
FORMS = ("standard", "slack")

Json = dict[str, Any]


async def show(visit: Visit) -> Response:
    """GET /settings."""
    return await _page(visit)


async def change(visit: Visit) -> Response:
    """POST /settings/{part}."""
    part, fields = visit.part("part"), visit.fields
    try:
        if part == "zone":
            await visit.rest.send("PUT", "policy", "time-zone", body={"time_zone": fields.get("time_zone", "").strip()})
        elif part == "recording":
            body: Json = {"arguments": fields.get("arguments", ""), "keep_days": _days(fields, "keep_days")}
            await visit.rest.send("PATCH", "audit-settings", body=body)
        elif part == "conversations":
            body = {name: _days(fields, name) for name in ("redact_days", "keep_days")}
            await visit.rest.send("PATCH", "conversations", "rules", body=body)
        elif part == "registry":
            await visit.rest.send("PATCH", "registry-rules", body=_rules(fields))
        else:
            await visit.rest.send("PATCH", "notifications", body={"mail": "mail" in fields})
            part = "notifications"
    except Refused as refused:
        return await _page(visit, refused.problem)
    return visit.go(link("settings", done=part))


async def add_webhook(visit: Visit) -> Response:
    """POST /settings/webhooks: its secret is shown once."""
    fields = visit.fields
    body: Json = {name: fields.get(name, "").strip() for name in ("name", "url", "form")}
    try:
        made = await visit.rest.send("POST", "webhooks", body=body)
    except Refused as refused:
        return await _page(visit, refused.problem, given=fields)
    return await _page(visit, made=made)


async def change_webhook(visit: Visit) -> Response:
    """POST /settings/webhooks/{webhook}: pause it, begin anew, try it, remove it."""
    which, what = visit.part("webhook"), visit.fields.get("what", "")
    try:
        if what == "test":
            return await _page(visit, tried=await visit.rest.send("POST", "webhooks", which, "test"))
        if what == "remove":
            await visit.rest.send("DELETE", "webhooks", which)
            return visit.go(link("settings", done="removed"))
        state = "active" if what == "begin" else "paused"
        await visit.rest.send("PATCH", "webhooks", which, body={"state": state})
    except Refused as refused:
        return await _page(visit, refused.problem)
    return visit.go(link("settings", done="webhook"))


def _days(fields: Mapping[str, str], name: str) -> int | None:
    """Raises Refused for what is no number."""
    return _whole(fields[name].strip(), "for good") if fields.get(name, "").strip() else None


def _whole(said: str, empty: str) -> int:
    if not said.isdecimal() or len(said) > 9:
        raise Refused(Problem(400, "Not changed", f"{said[:40]} is no whole number.", f"Leave it empty: {empty}."))
    return int(said)


def _rules(fields: Mapping[str, str]) -> Json:
    """What is given is set, what is empty falls back to the default. Raises Refused."""
    given = {name.removeprefix("rule:"): said.strip() for name, said in fields.items() if name.startswith("rule:")}
    worded = {name: said for name, said in given.items() if name == "changed_tools" and said}
    numbers = {name: _whole(said, "the default") for name, said in given.items() if name != "changed_tools" and said}
    return {"set": {**worded, **numbers}, "unset": [name for name, said in given.items() if not said]}


async def _page(
    visit: Visit,
    said: Problem | None = None,
    given: Mapping[str, str] | None = None,
    made: Json | None = None,
    tried: Json | None = None,
) -> Response:
    parts: Json = {}
    for name, path in _PARTS.items():
        try:
            parts[name] = await visit.rest.get(*path)
        except Refused as refused:
            if refused.problem.status != 403:
                raise
            parts[name] = None
    return await visit.page(
        "settings.html",
        200 if said is None else said.status,
        said=said,
        done=_DONE.get(visit.asked("done")),
        keeping=KEEPING,
        forms=FORMS,
        given=given or {},
        made=made,
        tried=tried,
        **parts,
    )


PAGES = (
    ("/settings", "GET", show),
    ("/settings/webhooks", "POST", add_webhook),
    ("/settings/webhooks/{webhook}", "POST", change_webhook),
    ("/settings/{part}", "POST", change),
)
