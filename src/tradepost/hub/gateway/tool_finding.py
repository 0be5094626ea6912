"""`find_tools` and `load_tools`: what stands in place of a list of tools that is too long for a model.

They look at the caller's own catalog and nothing else, and remember nothing: whoever was shown a definition calls that
tool by its name, as if it had been listed. Where there are sessions, their endpoint lists what they loaded.
"""

from typing import Any

import orjson

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.hub.gateway.parts import CatalogSource
from tradepost.hub.gateway.steps.find_tool import catalog_from
from tradepost.hub.registry.catalog import Catalog
from tradepost.hub.registry.folding import FIND, LOAD, Folded
from tradepost.protocol.builtin import Json, ToolResult

MOST_FOUND = 20
USUALLY_FOUND = 8
MOST_LOADED = 20
MAX_DESCRIPTION = 300  # characters of one, in what was found

FIND_TOOLS: Json = {
    "name": FIND,
    "title": "Find tools",
    "description": (
        "Searches the tools you may call, of which there are too many to list, by words for what you want to do. Use "
        "it first, whenever no listed tool does what is asked. Not to search the shop's data. Changes nothing. Returns "
        "names with short descriptions, the best first; then get the full definitions with load_tools and call the "
        "tools by their names."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "description": 'What the tool should do, in a few words, for example "refund an order".',
                "minLength": 1,
                "maxLength": 300,
            },
            "limit": {
                "type": "integer",
                "description": f"How many to return at most, for example 5; {USUALLY_FOUND} without it.",
                "minimum": 1,
                "maximum": MOST_FOUND,
                "default": USUALLY_FOUND,
            },
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    "outputSchema": {
        "type": "object",
        "properties": {
            "tools": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "title": {"type": "string"},
                        "description": {"type": "string"},
                        "class": {"type": "string", "enum": ["read", "write", "destructive"]},
                    },
                    "required": ["name", "description", "class"],
                },
            },
            "searched": {"type": "integer"},
            "message": {"type": "string"},
        },
        "required": ["tools", "searched", "message"],
    },
    "annotations": {
        "title": "Find tools",
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    },
}

LOAD_TOOLS: Json = {
    "name": LOAD,
    "title": "Load tools",
    "description": (
        "Shows the full definitions (description, input schema, output schema) of tools that find_tools named. Use it "
        "before you call such a tool for the first time. Not for tools that are listed anyway. Changes nothing and "
        "calls none of them. Returns the definitions; call the tools by their names afterwards, as you call every "
        "listed tool."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "names": {
                "type": "array",
                "description": 'Names as find_tools returned them, for example ["get_order"].',
                "items": {"type": "string", "minLength": 1, "maxLength": 128},
                "minItems": 1,
                "maxItems": MOST_LOADED,
            }
        },
        "required": ["names"],
        "additionalProperties": False,
    },
    "outputSchema": {
        "type": "object",
        "properties": {
            "tools": {"type": "array", "items": {"type": "object"}},
            "unknown": {"type": "array", "items": {"type": "string"}},
            "left_out": {"type": "array", "items": {"type": "string"}},
            "message": {"type": "string"},
        },
        "required": ["tools", "unknown", "left_out", "message"],
    },
    "annotations": {
        "title": "Load tools",
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    },
}


async def answer_about_tools(catalogs: CatalogSource, caller: Caller, name: str, arguments: Json) -> ToolResult:
    """What find_tools or load_tools answers a caller. Raises NotFound where the caller's tools are all listed."""
    catalog = await catalog_from(catalogs, caller, None)
    if catalog.folded is None:
        raise NotFound(f"Unknown tool: {name}", hint="List the tools: all of yours are there.")
    if name == FIND:
        return _found(catalog, catalog.folded, str(arguments["query"]), int(arguments.get("limit", USUALLY_FOUND)))
    return _loaded(catalog.folded, [str(one) for one in arguments["names"]])


def _found(catalog: Catalog, folded: Folded, query: str, limit: int) -> ToolResult:
    if not query.strip():
        raise InvalidArgument("The query has no words.", field="query", hint="Say what the tool should do.")
    tools = [
        {**_brief(definition), "class": catalog.tools[definition["name"]].tool_class}
        for definition in folded.find(query, limit)
    ]
    message = (
        "Get their full definitions with load_tools before you call one."
        if tools
        else "Nothing fits these words. Try others: what it does, and to what (an order, a return, stock)."
    )
    return _result({"tools": tools, "searched": len(folded), "message": message})


def _brief(definition: Json) -> Json:
    words = definition.get("description")
    words = words if isinstance(words, str) else ""
    brief = {"name": definition["name"], "description": _cut(words)}
    if isinstance(definition.get("title"), str):
        brief["title"] = definition["title"]
    return brief


def _cut(words: str) -> str:
    return words if len(words) <= MAX_DESCRIPTION else words[:MAX_DESCRIPTION] + "…"


def _loaded(folded: Folded, names: list[str]) -> ToolResult:
    loaded = folded.load(names)
    parts = ["Call them by their names." if loaded.definitions else "There is none of these names."]
    if loaded.unknown:
        parts.append("Unknown here: use names that find_tools returned.")
    if loaded.left_out:
        parts.append("Too large for one answer: load what was left out again.")
    return _result(
        {
            "tools": list(loaded.definitions),
            "unknown": list(loaded.unknown),
            "left_out": list(loaded.left_out),
            "message": " ".join(parts),
        }
    )


def _result(structured: dict[str, Any]) -> ToolResult:
    return ToolResult([{"type": "text", "text": orjson.dumps(structured).decode()}], structured)
