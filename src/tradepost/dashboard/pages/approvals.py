"""The queue of writes that wait for a person, and those of before. One of them has a page of its own, where links of
mails land, too."""

from typing import Any

from starlette.responses import Response

from tradepost.dashboard.visit import Visit

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


async def show(visit: Visit) -> Response:
    """GET /approvals."""
    state, agent = visit.asked("state", "pending"), visit.asked("agent")
    found = await visit.rest.get("approvals", state=state, agent=agent, cursor=visit.asked("cursor"), limit=25)
    agents = await visit.rest.all("agents")
    names = {one["id"]: one["slug"] for one in agents}
    return await visit.page(
        "approvals.html",
        items=[_line(one, names) for one in found["items"]],
        more=found["next_cursor"],
        state=state,
        states=STATES,
        agent=agent,
        agents=[one["slug"] for one in agents],
    )


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


PAGES = (("/approvals", "GET", show),)
