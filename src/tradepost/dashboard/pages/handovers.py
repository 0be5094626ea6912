"""Customers who wait for a person: the queue, one of them with the whole context, and what a person says to them."""

from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit

STATES = ("waiting", "taken", "given_back", "closed")


async def show(visit: Visit) -> Response:
    """GET /handovers."""
    state = visit.asked("state")
    found = await visit.rest.get("handovers", state=state, cursor=visit.asked("cursor"), limit=25)
    return await visit.page(
        "handovers.html", items=found["items"], more=found["next_cursor"], state=state, states=STATES
    )


async def one(visit: Visit) -> Response:
    """GET /handovers/{handover}."""
    return await _one(visit)


async def answer(visit: Visit) -> Response:
    """POST /handovers/{handover}/answer: words for the customer; takes one that still waits."""
    return await _do(visit, "answer", {"message": visit.fields.get("message", "").strip()})


async def take(visit: Visit) -> Response:
    """POST /handovers/{handover}/take."""
    return await _do(visit, "take", {"over": bool(visit.fields.get("over"))})


async def give_back(visit: Visit) -> Response:
    """POST /handovers/{handover}/give-back: the assistant goes on."""
    return await _do(visit, "give-back")


async def close(visit: Visit) -> Response:
    """POST /handovers/{handover}/close."""
    return await _do(visit, "close")


async def _do(visit: Visit, what: str, body: dict[str, Any] | None = None) -> Response:
    try:
        await visit.rest.send("POST", "handovers", visit.part("handover"), what, body=body)
    except Refused as refused:
        return await _one(visit, refused.problem)
    return visit.go(link("handovers", visit.part("handover")))


async def _one(visit: Visit, said: Problem | None = None) -> Response:
    found = await visit.rest.get("handovers", visit.part("handover"))
    people = await visit.rest.all("users")
    return await visit.page(
        "handover.html",
        200 if said is None else said.status,
        said=said,
        handover=found,
        names={one["id"]: one["name"] for one in people},
        message=visit.fields.get("message", ""),
    )


PAGES = (
    ("/handovers", "GET", show),
    ("/handovers/{handover}", "GET", one),
    ("/handovers/{handover}/answer", "POST", answer),
    ("/handovers/{handover}/take", "POST", take),
    ("/handovers/{handover}/give-back", "POST", give_back),
    ("/handovers/{handover}/close", "POST", close),
)
