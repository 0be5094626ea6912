"""Swap a server for another: choose it, see what fits and what does not, swap, and give it back."""

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused, link
from tradepost.dashboard.visit import Visit

_TOOL, _ACCEPT = "tool:", "accept:"


async def choosing(visit: Visit) -> Response:
    """GET /integrations/{server}/swap: which other one; with `to`, how the two compare."""
    to = visit.asked("to")
    if not to:
        return await _page(visit)
    return await _compared(visit, to, {"tools": [], "accept": [], "approve": visit.asked("approve") == "yes"})


async def swap(visit: Visit) -> Response:
    """POST /integrations/{server}/swap: compare the ticked tools, swap them, or undo the last swap."""
    fields, to = visit.fields, visit.fields.get("to", "")
    wanted = _wanted(visit)
    if fields.get("do") == "undo":
        return await _undone(visit, to)
    if not any(name.startswith(_TOOL) for name in fields):
        said = Problem(400, "Nothing is ticked", "No tool is ticked, so none would go over.", "Tick at least one.")
        return await _compared(visit, to, {**wanted, "tools": []}, said)
    if fields.get("do") != "swap":
        return await _compared(visit, to, wanted)
    try:
        body = {**wanted, "mark": fields.get("mark") or None}
        made = await visit.rest.send("POST", "servers", visit.part("server"), "swap", to, body=body)
    except Refused as refused:
        said = refused.problem
        if said.status == 409:  # its hint speaks of the command's options
            said = replace(said, hint="Nothing was switched. The report below says why, tool by tool.")
        return await _compared(visit, to, wanted, said)
    return visit.go(
        link("integrations", visit.part("server"), "swap", to=to, done="swapped", moved=str(len(made["tools"])))
    )


async def _undone(visit: Visit, to: str) -> Response:
    try:
        undone = await visit.rest.send("POST", "servers", visit.part("server"), "swap", to, "undo")
    except Refused as refused:
        return await _page(visit, to, said=refused.problem)
    return await _page(visit, to, undone=undone)


def _wanted(visit: Visit) -> dict[str, Any]:
    """What a form of the report says: the ticked tools, where not all of them are."""
    fields = visit.fields
    named = [name.removeprefix("of:") for name in fields if name.startswith("of:")]
    ticked = [name for name in named if _TOOL + name in fields]
    accepted = [name for name in named if _ACCEPT + name in fields]
    # Compared alone, the others are not in the report any more: what is left of it stays what was asked for.
    whole = len(ticked) == len(named) and fields.get("all") == "yes"
    return {"tools": [] if whole else ticked, "accept": accepted, "approve": fields.get("approve") == "yes"}


async def _compared(visit: Visit, to: str, wanted: dict[str, Any], said: Problem | None = None) -> Response:
    """The page with the comparison as it is now."""
    try:
        path = ("servers", visit.part("server"), "swap", to, "check")
        report = await visit.rest.send("POST", *path, body=wanted)
    except Refused as refused:
        return await _page(visit, to, said=said or refused.problem)
    return await _page(visit, to, report, wanted, said)


async def _page(
    visit: Visit,
    to: str = "",
    report: dict[str, Any] | None = None,
    wanted: dict[str, Any] | None = None,
    said: Problem | None = None,
    undone: dict[str, Any] | None = None,
) -> Response:
    server = await visit.rest.get("servers", visit.part("server"))
    others = [one for one in await visit.rest.all("servers") if one["id"] != server["id"]]
    moved = visit.asked("moved") if visit.asked("done") == "swapped" else ""
    return await visit.page(
        "swap.html",
        200 if said is None else said.status,
        said=said,
        server=server,
        others=others,
        to=to,
        other=next((one for one in others if to in (one["slug"], one["id"])), None),
        report=report,
        wanted=wanted or {"tools": [], "accept": [], "approve": False},
        moved=int(moved) if moved.isascii() and moved.isdigit() and len(moved) < 6 else None,
        undone=undone,
    )


PAGES = (
    ("/integrations/{server}/swap", "GET", choosing),
    ("/integrations/{server}/swap", "POST", swap),
)
