"""`get_rest`: the next piece of a result that was too long. It is a read like any other, and brings the label of the
server whose words it has."""

from typing import Any

import orjson

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.outsiders import delivered, delivered_person
from tradepost.hub.gateway.labels import delimited, label_of
from tradepost.hub.gateway.parts import CatalogSource
from tradepost.hub.gateway.rests import Entry, Piece, Rests, unknown
from tradepost.hub.gateway.steps.find_tool import catalog_from
from tradepost.hub.registry.folding import REST
from tradepost.protocol.builtin import Json, ToolResult

_PART: Json = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "from": {"type": "integer"},
        "items": {"type": "array"},
        "text": {"type": "string"},
        "untrusted": {"type": "string"},
        "members": {"type": "object"},
    },
    "required": ["path"],
}

# Where the content blocks belong that follow the texts of the parts.
_PLACE: Json = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "from": {"type": "integer"}},
    "required": ["path", "from"],
}

GET_REST: Json = {
    "name": REST,
    "title": "Get the rest of a result",
    "description": (
        "Fetches the next piece of a result that was shortened because it was too long. Use it when a result says that "
        "something is left out and names a handle, and you need what is missing. Do not use it to look for records: "
        "asking the tool for less is better. Changes nothing. Returns parts with the place where each belongs, and the "
        "handle of the next piece, until there is none."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "handle": {
                "type": "string",
                "description": "The handle that the result, or the piece before, gave, for example rest_06fk3w9.00001.",
                "minLength": 1,
                "maxLength": 100,
            }
        },
        "required": ["handle"],
        "additionalProperties": False,
    },
    "outputSchema": {
        "type": "object",
        "properties": {
            "tool": {"type": "string"},
            "server": {"type": "string"},
            "piece": {"type": "integer"},
            "pieces": {"type": "integer"},
            "tokens_left": {"type": "integer"},
            "next_handle": {"type": ["string", "null"]},
            "expires_at": {"type": "string"},
            "parts": {"type": "array", "items": _PART},
            "blocks": {"type": "array", "items": _PLACE},
        },
        "required": ["tool", "server", "piece", "pieces", "tokens_left", "next_handle", "parts", "blocks"],
    },
    "annotations": {
        "title": "Get the rest of a result",
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    },
}


async def rest_for(rests: Rests, catalogs: CatalogSource, caller: Caller, handle: str) -> ToolResult:
    """One piece, for whoever still sees the tool that it is from. Raises NotFound."""
    piece = await rests.piece(caller, handle)
    catalog = await catalog_from(catalogs, caller, None)
    seen: tuple[Entry, ...] = (
        *catalog.tools.values(),
        *catalog.resources.values(),
        *catalog.templates,
        *catalog.prompts.values(),
    )
    if all(entry.entry_id != piece.tool_entry_id for entry in seen):
        raise unknown()
    _tell(piece)
    return _shown(piece)


def _tell(piece: Piece) -> None:
    """What outsiders wrote is theirs in whichever run it is fetched."""
    kinds = ["a result of another server"] if piece.about["foreign"] else piece.about["outside"]
    for kind in kinds:
        delivered(kind, orjson.dumps(piece.parts).decode())
    for value, of_person in piece.named.items():
        delivered_person(value, of_person)


def _shown(piece: Piece) -> ToolResult:
    server, is_foreign = str(piece.about["server"]), piece.about["foreign"] is True
    parts = [part for part in piece.parts if "block" not in part]
    blocks = [part for part in piece.parts if "block" in part]
    content: list[Json] = [{"type": "text", "text": orjson.dumps(part).decode()} for part in parts]
    content += [part["block"] for part in blocks]
    structured: dict[str, Any] = {
        "tool": piece.about["tool"],
        "server": server,
        "piece": piece.number,
        "pieces": piece.pieces,
        "tokens_left": piece.tokens_left,
        "next_handle": piece.next,
        "expires_at": to_rfc3339(piece.expires_at),
        "parts": parts,
        "blocks": [{"path": part["path"], "from": part["from"]} for part in blocks],
    }
    if piece.about["delimited"]:
        content = delimited({"content": content}, server)["content"]
    content.append({"type": "text", "text": f"[{_words(piece)}]"})
    return ToolResult(content, structured, meta=label_of(server) if is_foreign else None)


def _words(piece: Piece) -> str:
    said = f"Piece {piece.number} of {piece.pieces} of what {piece.about['tool']} gave"
    if piece.next is None:
        return f"{said}: the last."
    return f'{said}. Call {REST} with handle "{piece.next}" for the next; about {piece.tokens_left} tokens are left.'
