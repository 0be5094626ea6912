"""Conversations with agents: listed, searched, counted; and one of them with every step."""

from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit

UNDER_WAY = frozenset({"queued", "running", "waiting"})


async def show(visit: Visit) -> Response:
    """GET /conversations."""
    if visit.asked("run") and not visit.asked("cursor"):
        return await _of_run(visit, visit.asked("run"))
    words, agent, cursor = visit.asked("q"), visit.asked("agent"), visit.asked("cursor")
    said: Problem | None = None
    found: dict[str, Any] = {"items": [], "next_cursor": None}
    try:
        if words:
            found = await visit.rest.get("conversations", "search", q=words, agent=agent, cursor=cursor)
        else:
            found = await visit.rest.get("conversations", agent=agent, cursor=cursor)
    except Refused as refused:
        said = refused.problem
    return await visit.page(
        "conversations.html",
        200 if said is None else said.status,
        said=said,
        items=[one["conversation"] | {"hit": one["turn"]} if words else one for one in found["items"]],
        more=found["next_cursor"],
        words=words,
        agent=agent,
        agents=[one["slug"] for one in await visit.rest.all("agents")],
        counted=(await visit.rest.get("conversations", "metrics", agent=agent))["items"],
    )


async def _of_run(visit: Visit, run: str) -> Response:
    """To the conversation that a run belongs to; where there is none, somebody else's client made the calls."""
    found = (await visit.rest.get("conversations", run=run))["items"]
    return visit.go(link("conversations", found[0]["id"]) if found else link("activity", run_id=run))


async def one(visit: Visit) -> Response:
    """GET /conversations/{conversation}."""
    return await _one(visit)


async def say(visit: Visit) -> Response:
    """POST /conversations/{conversation}: the next message."""
    return await _do(visit, "messages", {"message": visit.fields.get("message", "").strip()})


async def cancel(visit: Visit) -> Response:
    """POST …/cancel: stop the answers that are under way."""
    return await _do(visit, "cancel", {})


async def judge(visit: Visit) -> Response:
    """POST …/feedback: what an answer was worth."""
    fields = visit.fields
    body: dict[str, Any] = {"words": fields.get("words", "").strip()}
    body["thumb"] = "up" if fields.get("thumb") == "up" else "down"
    if fields.get("turn"):
        body["turn"] = fields["turn"]
    return await _do(visit, "feedback", body)


async def redact(visit: Visit) -> Response:
    """POST …/redact: take personal data out."""
    return await _do(visit, "redact", None)


async def _do(visit: Visit, what: str, body: dict[str, Any] | None) -> Response:
    try:
        await visit.rest.send("POST", "conversations", visit.part("conversation"), what, body=body)
    except Refused as refused:
        return await _one(visit, refused.problem)
    return visit.go(link("conversations", visit.part("conversation")) + "#last")


async def _one(visit: Visit, said: Problem | None = None) -> Response:
    found = await visit.rest.get("conversations", visit.part("conversation"), cursor=visit.asked("cursor"))
    turns = found["page"]["items"]
    return await visit.page(
        "conversation.html",
        200 if said is None else said.status,
        said=said,
        talk=found,
        turns=turns,
        more=found["page"]["next_cursor"],
        under_way=any(turn["status"] in UNDER_WAY for turn in turns),
        message=visit.fields.get("message", ""),
    )


PAGES = (
    ("/conversations", "GET", show),
    ("/conversations/{conversation}", "GET", one),
    ("/conversations/{conversation}", "POST", say),
    ("/conversations/{conversation}/cancel", "POST", cancel),
    ("/conversations/{conversation}/feedback", "POST", judge),
    ("/conversations/{conversation}/redact", "POST", redact),
)
