"""The record of every call: searched, verified, exported."""

import re
from typing import Any

from starlette.responses import Response, StreamingResponse

from tradepost.dashboard.asking import Problem, Refused
from tradepost.dashboard.visit import Visit
from tradepost.dashboard.words import names_of

KINDS = ("read", "intent", "outcome", "refused", "decision", "admin")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
FILTERS = ("since", "until", "kind", "agent_id", "user_id", "server", "tool", "request_id", "run_id", "action_id")


def moment_of(said: str) -> str:
    """What somebody typed as the routes want it: a day, or a day and a time, is in UTC where no zone is said."""
    text = said.strip().replace(" ", "T")
    if _DAY.fullmatch(text):
        return f"{text}T00:00:00Z"
    return f"{text}:00Z" if _MINUTE.fullmatch(text) else text


def _asked(visit: Visit) -> dict[str, str]:
    asked = {name: visit.asked(name).strip() for name in FILTERS}
    return asked | {name: moment_of(asked[name]) for name in ("since", "until")}


async def show(visit: Visit) -> Response:
    """GET /activity."""
    return await _page(visit)


async def verify(visit: Visit) -> Response:
    """POST /activity/verify: recompute the chain."""
    try:
        found = await visit.rest.send("POST", "audit", "verify", body={})
    except Refused as refused:
        return await _page(visit, said=refused.problem, status=refused.problem.status)
    return await _page(visit, verified=found)


async def export(visit: Visit) -> Response:
    """GET /activity/export: the rows that fit, as a file."""
    asked = _asked(visit)
    answer = await visit.rest.whole("audit", "export", format=visit.asked("format", "jsonl"), **asked)
    headers = {name: answer.headers[name] for name in ("content-disposition", "content-type")}

    async def pieces() -> Any:
        yield answer.body
        if answer.stream is not None:
            async for piece in answer.stream:
                yield piece

    return StreamingResponse(pieces(), 200, headers)


async def _page(
    visit: Visit, *, said: Problem | None = None, verified: dict[str, Any] | None = None, status: int = 200
) -> Response:
    asked = _asked(visit)
    found: dict[str, Any] = {"items": [], "next_cursor": None}
    try:
        found = await visit.rest.get("audit", limit=50, cursor=visit.asked("cursor"), **asked)
    except Refused as refused:
        said, status = refused.problem, refused.problem.status
    agents = await visit.rest.all("agents")
    people = await visit.rest.all("users")
    servers = await visit.rest.all("servers")
    return await visit.page(
        "activity.html",
        status,
        said=said,
        rows=found["items"],
        more=found["next_cursor"],
        asked=asked,
        kinds=KINDS,
        agents=agents,
        people=people,
        servers=servers,
        names=names_of(agents, people),
        verified=verified,
        narrowed=any(asked.values()),
    )


PAGES = (
    ("/activity", "GET", show),
    ("/activity/verify", "POST", verify),
    ("/activity/export", "GET", export),
)
