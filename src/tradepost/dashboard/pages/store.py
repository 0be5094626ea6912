"""The shop's own records, so that people can check what an agent says: lists, and one record with all that belongs to
it. Each page is a read through the gateway by the person who looks."""

from typing import Any

from starlette.responses import Response

from tradepost.dashboard.arranging import arranged
from tradepost.dashboard.asking import Problem, Refused
from tradepost.dashboard.sections import NAMED, SECTIONS, Section
from tradepost.dashboard.visit import Visit
from tradepost.foundation.errors import NotFound


async def overview(visit: Visit) -> Response:
    """GET /store: to the orders."""
    return visit.go("/store/orders")


async def listed(visit: Visit) -> Response:
    """GET /store/{section}."""
    name, section = _section(visit)
    asked = {key: visit.asked(key).strip() for key in section.filters}
    arguments: dict[str, Any] = {**section.usual, **{key: _value(value) for key, value in asked.items() if value}}
    if visit.asked("cursor"):
        arguments["cursor"] = visit.asked("cursor")
    said: Problem | None = None
    found: dict[str, Any] = {"items": []}
    if section.tool != "search_customers" or asked.get("query"):
        try:
            found = await _read(visit, section.tool, {**arguments, "limit": 25})
        except Refused as refused:
            said = refused.problem
    return await visit.page(
        "store_list.html",
        200 if said is None else said.status,
        said=said,
        name=name,
        section=section,
        sections=SECTIONS,
        items=found["items"],
        more=found.get("next_cursor"),
        total=found.get("total_estimate"),
        causes=found.get("by_cause", []),
        asked=asked,
        named=NAMED,
    )


async def one(visit: Visit) -> Response:
    """GET /store/{section}/{number}."""
    name, section = _section(visit)
    if section.one is None:
        raise NotFound("There is no such page.")
    tool, argument = section.one
    found = await _read(visit, tool, {argument: visit.part("number"), **section.more})
    items = found.get("items")
    record = items[0] if tool.startswith(("list_", "search_")) and items else found
    if tool.startswith(("list_", "search_")) and not items:
        raise NotFound("There is no such record.")
    timeline = record.pop("timeline", None) if isinstance(record.get("timeline"), list) else None
    record, empty = arranged(record)
    return await visit.page(
        "store_record.html",
        empty=empty,
        name=name,
        section=section,
        sections=SECTIONS,
        number=visit.part("number"),
        record=record,
        timeline=timeline,
        named=NAMED,
    )


def _section(visit: Visit) -> tuple[str, Section]:
    name = visit.part("section")
    if name not in SECTIONS:
        raise NotFound("There is no such page.")
    return name, SECTIONS[name]


async def _read(visit: Visit, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    answer = await visit.rest.send("POST", "reads", tool, body={"arguments": arguments})
    result: dict[str, Any] = answer["result"]
    return result


def _value(text: str) -> Any:
    return int(text) if text.isdecimal() and len(text) < 4 else text


PAGES = (
    ("/store", "GET", overview),
    ("/store/{section}", "GET", listed),
    ("/store/{section}/{number}", "GET", one),
)
