"""Test Tool Call: one call of one tool by whoever has signed in, with a form made from its schema."""

import secrets
from typing import Any

import orjson
from starlette.responses import Response

from tradepost.dashboard.asking import Problem, Refused
from tradepost.dashboard.schema_form import Form
from tradepost.dashboard.visit import Visit

KEY = "idempotency_key"  # of a write: the page brings its own
MORE = "more"
MOST_SHOWN = 20_000  # characters of one text of a result
MOST_PARTS = 50


async def form(visit: Visit) -> Response:
    """GET …/test: the form, with the schema's defaults."""
    return await _page(visit, await _tool(visit))


async def call(visit: Visit) -> Response:
    """POST …/test: call it, and say what came back."""
    tool, fields = await _tool(visit), visit.fields
    made = _form(tool, fields)
    arguments = made.arguments()
    more, fault = _more(fields.get(MORE, ""))
    if made.errors or fault:
        said = Problem(400, "Not sent", "Some fields do not hold what they should.", "Nothing was called.")
        return await _page(visit, tool, made, said, fault=fault)
    body: dict[str, Any] = {"arguments": {**arguments, **more}}
    if fields.get("key"):
        body["idempotency_key"] = fields["key"]
    try:
        result = await visit.rest.send(
            "POST", "servers", visit.part("server"), "tools", visit.part("tool"), "call", body=body
        )
    except Refused as refused:
        problem = refused.problem
        made.blame(problem.field, problem.detail)
        return await _page(visit, tool, made, problem, key=fields.get("key", ""))
    return await _page(visit, tool, made, result=_shown(result))


async def _tool(visit: Visit) -> dict[str, Any]:
    found: dict[str, Any] = await visit.rest.get("servers", visit.part("server"), "tools", visit.part("tool"))
    waiting = found["waiting"]
    found["tried"] = found["definition"] if waiting is None or found["state"] == "enabled" else waiting["definition"]
    return found


def _form(tool: dict[str, Any], given: Any = None) -> Form:
    schema = tool["tried"].get("inputSchema")
    writes = frozenset({KEY} if tool["class"] != "read" else ())
    return Form(schema if isinstance(schema, dict) else {}, given, writes)


def _more(text: str) -> tuple[dict[str, Any], str]:
    """Arguments that no field is for, and what is wrong with how they were given."""
    if not text.strip():
        return {}, ""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return {}, f"This is not JSON: {error}."
    return (found, "") if isinstance(found, dict) else ({}, 'This is not a JSON object, like {"name": "value"}.')


async def _page(
    visit: Visit,
    tool: dict[str, Any],
    made: Form | None = None,
    said: Problem | None = None,
    result: dict[str, Any] | None = None,
    key: str = "",
    fault: str = "",
) -> Response:
    made = made or _form(tool)
    return await visit.page(
        "tool_test.html",
        200 if said is None else said.status,
        said=said,
        server=await visit.rest.get("servers", visit.part("server")),
        tool=tool,
        form=made,
        more=visit.fields.get(MORE, ""),
        fault=fault,
        # A form that is sent twice is one call; the next one after a result is another.
        key=key or f"page-{secrets.token_urlsafe(12)}",
        result=result,
    )


def _shown(result: dict[str, Any]) -> dict[str, Any]:
    """The result as a page shows it: texts as data, cut where they are long; nothing else is loaded or drawn."""
    parts = [_part(one) for one in result["content"][:MOST_PARTS]]
    structured = result["structured"]
    whole = None if structured is None else orjson.dumps(structured, option=orjson.OPT_INDENT_2).decode()
    said = "".join(one["text"] for one in parts if one["kind"] == "text")
    repeats = whole is not None and _same(said, structured)
    return {
        **result,
        "parts": [] if repeats else parts,
        "left": max(0, len(result["content"]) - MOST_PARTS),
        "fields": None if whole is None else _cut(whole),
    }


def _same(text: str, structured: Any) -> bool:
    """Whether the text is the structured result once more, as many servers send it."""
    try:
        return bool(orjson.loads(text) == structured)
    except orjson.JSONDecodeError:
        return False


def _part(one: Any) -> dict[str, Any]:
    block = one if isinstance(one, dict) else {}
    kind = str(block.get("type", "nothing known"))
    if kind == "text":
        return {"kind": kind, **_cut(str(block.get("text", "")))}
    size = len(str(block.get("data", ""))) * 3 // 4
    about = " ".join(str(block[name])[:200] for name in ("name", "uri", "mimeType") if block.get(name))
    return {"kind": kind[:40], **_cut(f"{about}{f', {size:,} bytes' if size else ''}".strip(", "))}


def _cut(text: str) -> dict[str, Any]:
    return {"text": text[:MOST_SHOWN], "rest": max(0, len(text) - MOST_SHOWN)}


PAGES = (
    ("/integrations/{server}/tools/{tool}/test", "GET", form),
    ("/integrations/{server}/tools/{tool}/test", "POST", call),
)
