"""The queue of writes that wait for a person, and those of before. Several of one shape are answered by one answer. One
of them has a page of its own, where links of mails land, too."""

from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit
from tradepost.dashboard.words import plural

MOST_AT_ONCE = 50  # in one answer
STATES = (
    "pending",
    "unknown",
    "approved",
    "executing",
    "succeeded",
    "failed",
    "rejected",
    "expired",
    "canceled",
    "all",
)
_MEMBER = "member:"


async def show(visit: Visit) -> Response:
    """GET /approvals: the queue, or with `together` those of one shape, to be answered by one answer."""
    shape = visit.asked("together")
    if not shape:
        return await _queue(visit)
    group = next((one for one in await _groups(visit) if one["shape"] == shape), None)
    if group is None:
        return visit.go(link("approvals"))  # somebody has answered them meanwhile
    return await _together(visit, group)


async def answer(visit: Visit) -> Response:
    """POST /approvals: one answer to exactly those of a group that were looked at, each as it was."""
    fields = visit.fields
    members = [
        {"id": name.removeprefix(_MEMBER), "fingerprint": value}
        for name, value in fields.items()
        if name.startswith(_MEMBER)
    ]
    body = {"answer": fields.get("answer", ""), "members": members}
    body |= {name: fields[name].strip() for name in ("comment", "code") if fields.get(name, "").strip()}
    try:
        done = await visit.rest.send("POST", "approvals", "groups", "answer", body=body)
    except Refused as refused:
        group = next((one for one in await _groups(visit) if one["shape"] == fields.get("shape")), None)
        if group is None:
            return await _queue(visit, refused.problem)
        return await _together(visit, group, refused.problem)
    return visit.go(link("approvals", done=body["answer"], count=len(done["items"])))


async def _queue(visit: Visit, said: Problem | None = None) -> Response:
    state, agent = visit.asked("state", "pending"), visit.asked("agent")
    found = await visit.rest.get("approvals", state=state, agent=agent, cursor=visit.asked("cursor"), limit=25)
    agents = await visit.rest.all("agents")
    names = {one["id"]: one["slug"] for one in agents}
    alone = state != "pending" or len(found["items"]) < 2
    return await visit.page(
        "approvals.html",
        200 if said is None else said.status,
        said=said,
        done=_done(visit),
        items=[_line(one, names) for one in found["items"]],
        groups=[] if alone else [_group(one, names) for one in await _groups(visit, agent)],
        more=found["next_cursor"],
        state=state,
        states=STATES,
        agent=agent,
        agents=[one["slug"] for one in agents],
    )


async def _together(visit: Visit, group: dict[str, Any], said: Problem | None = None) -> Response:
    names = {one["id"]: one["slug"] for one in await visit.rest.all("agents")}
    return await visit.page(
        "approvals_together.html",
        200 if said is None else said.status,
        said=said,
        group=_group(group, names),
        comment=visit.fields.get("comment", ""),
    )


async def _groups(visit: Visit, agent: str = "") -> list[dict[str, Any]]:
    """Those that can be answered together; none for whoever may not answer."""
    try:
        found: list[dict[str, Any]] = (await visit.rest.get("approvals", "groups"))["groups"]
    except Refused as refused:
        if refused.problem.status == 403:
            return []
        raise
    if agent:
        wanted = (await visit.rest.get("agents", agent))["id"]
        found = [one for one in found if one["agent_id"] == wanted]
    return found


def _group(one: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """A group as a page has it: what all have in common once, and of each what is its own."""
    members = one["members"][:MOST_AT_ONCE]
    common = {
        name: value
        for name, value in members[0]["arguments"].items()
        if all(name in member["arguments"] and member["arguments"][name] == value for member in members)
    }
    lines = [
        _line(member, names) | {"own": {k: v for k, v in member["arguments"].items() if k not in common}}
        for member in members
    ]
    warnings = dict.fromkeys(warning for member in members for warning in member["warnings"])
    left = len(one["members"]) - len(members)
    return {**one, "members": lines, "first": lines[0], "common": common, "warnings": list(warnings), "left": left}


def _done(visit: Visit) -> str | None:
    """What the last answer did, in words."""
    what = {"approve": "approved: they are carried out now", "reject": "rejected"}.get(visit.asked("done"))
    count = visit.asked("count")
    return None if what is None or not count.isdecimal() else f"{plural(int(count), 'write')} {what}."


def _line(one: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """One write as the queue has it: what it would do and how much money moves first, then who asks."""
    preview = one["preview"] or {}
    taint = one["taint"]
    return {
        **one,
        "says": preview.get("summary") or f"{one['exposed_name']} on {one['server']}",
        "who": names.get(one["agent_id"] or "", one["agent_id"] or one["principal_kind"]),
        "for_whom": ", ".join(f"{name} {value}" for name, value in (one.get("attributes") or {}).items()),
        "tainted": taint is not None,
        "signal": ((taint or {}).get("signal") or {}).get("level"),
        "given": len([said for said in one["verdicts"] if said["verdict"] == "approve"]),
    }


PAGES = (("/approvals", "GET", show), ("/approvals", "POST", answer))
