"""The hub's own server: how an agent asks what became of a write that waits for a person, finds tools among too many to
list, and fetches the rest of a result that was too long."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import NotFound, TradepostError, Unavailable
from tradepost.foundation.outsiders import delivered
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.states import FINISHED, REFUSED
from tradepost.hub.actions.views import ActionView, view_for_caller
from tradepost.hub.gateway.answers import error_result
from tradepost.hub.gateway.parts import CatalogSource
from tradepost.hub.gateway.rest_tool import GET_REST, rest_for
from tradepost.hub.gateway.rests import Rests
from tradepost.hub.gateway.tool_finding import FIND_TOOLS, LOAD_TOOLS, answer_about_tools
from tradepost.hub.gateway.waits import MOST_SECONDS, Waits
from tradepost.hub.registry.folding import META_TOOLS, REST
from tradepost.hub.registry.models import Server
from tradepost.protocol.builtin import Definitions, Expects, Json, Mode, ToolClass, ToolResult
from tradepost.protocol.errors import REST_META

SLUG = "hub"
TOOL = "get_approval"
TEMPLATE = "approval://{approval_id}"

_STATES = ["pending", "approved", "executing", "succeeded", "failed", "unknown", "rejected", "expired", "canceled"]

_GET_APPROVAL: Json = {
    "name": TOOL,
    "title": "Get approval",
    "description": (
        "Tells what became of a write that returned approval_required: whether a person approved or rejected it, and "
        "the result once it was carried out. Use it when a tool answered with an approval_id, after giving a person "
        "time to decide; with wait_seconds it answers as soon as it has ended. Do not use it to approve anything: only "
        "people can. Changes nothing. Returns the status, a sentence about who decided and when, the preview, and the "
        "outcome when there is one."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "approval_id": {
                "type": "string",
                "description": "The approval_id of the approval_required answer, for example act_06fk3w9x0t.",
                "minLength": 1,
                "maxLength": 100,
            },
            "wait_seconds": {
                "type": "integer",
                "description": "Wait so long for the end, and answer as soon as it is there. 0 answers at once.",
                "minimum": 0,
                "maximum": MOST_SECONDS,
                "default": 0,
            },
        },
        "required": ["approval_id"],
        "additionalProperties": False,
    },
    "outputSchema": {
        "type": "object",
        "properties": {
            "approval_id": {"type": "string"},
            "status": {"type": "string", "enum": _STATES},
            "tool": {"type": "string"},
            "message": {"type": "string"},
            "expires_at": {"type": ["string", "null"]},
            "decided_at": {"type": ["string", "null"]},
            "preview": {"type": ["object", "null"]},
            "outcome": {"type": ["object", "null"]},
            "error_code": {"type": ["string", "null"]},
            "undo": {"type": ["object", "null"]},
            "undone_by": {"type": ["string", "null"]},
            "rest": {"type": ["object", "null"]},
        },
        "required": ["approval_id", "status", "tool", "message"],
    },
    "annotations": {
        "title": "Get approval",
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    },
}

_APPROVAL: Json = {
    "uriTemplate": TEMPLATE,
    "name": "approval",
    "title": "Approval",
    "description": "A write that waits for a person, or what became of it.",
    "mimeType": "application/json",
}


class HubServer:
    """A BuiltinServer over the actions of the caller's workspace, of which a caller sees its own only, and over the
    caller's catalog."""

    slug = SLUG
    title = "Hub"

    def __init__(
        self,
        database: Database,
        catalogs: CatalogSource | None = None,
        waits: Waits | None = None,
        rests: Rests | None = None,
    ) -> None:
        self._database = database
        self._catalogs = catalogs
        self._waits = waits
        self._rests = rests

    def definitions(self) -> Definitions:
        """The tools, of which catalogs show three only where they are needed, and one template."""
        tools = [_GET_APPROVAL, FIND_TOOLS, LOAD_TOOLS, GET_REST]
        classes: Mapping[str, ToolClass] = {tool["name"]: "read" for tool in tools}
        return Definitions(tools=tools, resource_templates=[_APPROVAL], tool_classes=classes)

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: Json,
        key: str | None,
        mode: Mode = "execute",
        expects: Expects | None = None,
    ) -> ToolResult:
        """get_approval, find_tools, load_tools, get_rest."""
        try:
            if name == REST:
                return await rest_for(self._known_rests(), self._known_catalogs(), caller, str(arguments["handle"]))
            if name in META_TOOLS:
                return await answer_about_tools(self._known_catalogs(), caller, name, arguments)
            if name != TOOL:
                raise NotFound(f"Unknown tool: {name}.")
            shown = _shape(await self._ended(caller, str(arguments["approval_id"]), arguments.get("wait_seconds", 0)))
        except TradepostError as error:
            result = error_result(error)
            return ToolResult(result["content"], result["structuredContent"], is_error=True)
        return ToolResult([{"type": "text", "text": shown["message"]}], shown)

    def _known_catalogs(self) -> CatalogSource:
        if self._catalogs is None:
            raise Unavailable("Tools cannot be searched here.", hint="Ask the hub at its MCP endpoint.")
        return self._catalogs

    def _known_rests(self) -> Rests:
        if self._rests is None:
            raise Unavailable("Nothing is kept here of results.", hint="Ask the hub at its MCP endpoint.")
        return self._rests

    async def read(self, caller: Caller, uri: str) -> Json:
        """An approval as a JSON document."""
        shown = _shape(await self._own(caller, uri.removeprefix("approval://")))
        return {"contents": [{"uri": uri, "mimeType": "application/json", "text": orjson.dumps(shown).decode()}]}

    async def watched(self, caller: Caller, uri: str) -> str | None:
        """An approval changes with its action."""
        return (await self._own(caller, uri.removeprefix("approval://"))).id

    async def prompt(self, caller: Caller, name: str, arguments: Mapping[str, str]) -> Json:
        """The hub has no prompts."""
        raise NotFound(f"Unknown prompt: {name}.")

    async def complete(self, caller: Caller, reference: Json, argument: str, value: str) -> Json:
        """Approval ids are not guessed."""
        return {"values": [], "total": 0, "hasMore": False}

    async def _ended(self, caller: Caller, action_id: str, seconds: int) -> ActionView:
        """The action once it has ended, or as it is when the time is over."""
        shown = await self._own(caller, action_id)
        if seconds <= 0 or self._waits is None or _has_ended(shown):
            return shown
        async with self._waits.wait(caller, shown.id, min(seconds, MOST_SECONDS)) as waiting:
            if waiting is None:
                return shown
            shown = await self._own(caller, action_id)  # it may have ended before anybody was told of it
            while not _has_ended(shown) and await waiting.stirred():
                shown = await self._own(caller, action_id)
        await self._waits.confirm(caller)
        return shown

    async def _own(self, caller: Caller, action_id: str) -> ActionView:
        async with self._database.transaction(caller.workspace_id, write=False) as session:
            action = await session.scalar(select(Action).where(Action.id == action_id))
            if action is None or not _is_theirs(action, caller):
                raise NotFound("There is no approval with that id.", hint="Use the approval_id that the tool returned.")
            if action.result is not None:
                await _note_outcome(session, action)
            return await view_for_caller(session, action_id)


async def _note_outcome(session: AsyncSession, action: Action) -> None:
    """What a write gave is read by whoever asks what became of it."""
    kind = await session.scalar(select(Server.kind).where(Server.id == action.server_id))
    if kind != "builtin":
        delivered("what another server said of a write", action.result or "")
    elif '"untrusted":' in (action.result or ""):
        delivered("what outsiders wrote, in what a write gave")


def _is_theirs(action: Action, caller: Caller) -> bool:
    """The same principal, or the same agent with another key. Shoppers share an agent but see only their own."""
    if action.principal_id == caller.principal.id and action.principal_kind == caller.principal.kind:
        return True
    agents = action.principal_kind != "shopper" and caller.principal.kind != "shopper"
    return agents and action.agent_id is not None and action.agent_id == caller.agent_id


def _has_ended(shown: ActionView) -> bool:
    return shown.state in FINISHED | REFUSED


def _shape(shown: ActionView) -> dict[str, Any]:
    outcome = shown.result if shown.state in FINISHED else None
    return {
        "approval_id": shown.id,
        "status": shown.state,
        "tool": shown.exposed_name,
        "message": shown.what_happened(),
        "expires_at": to_rfc3339(shown.expires_at) if shown.expires_at else None,
        "decided_at": to_rfc3339(shown.decided_at) if shown.decided_at else None,
        "preview": shown.preview,
        "outcome": outcome.get("structuredContent", outcome) if outcome else None,
        "error_code": shown.error_code,
        "undo": shown.undo,
        "undone_by": shown.undone_by,
        "rest": ((outcome or {}).get("_meta") or {}).get(REST_META),
    }
