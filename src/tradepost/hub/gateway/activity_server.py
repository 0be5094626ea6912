"""The activity feed: who did what in the workspace, as the audit log has it; arguments are digests there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import from_rfc3339, to_rfc3339
from tradepost.foundation.errors import InvalidArgument, NotFound, TradepostError
from tradepost.hub.gateway.activity_feed import Entry, Feed, Wanted
from tradepost.hub.gateway.activity_schema import ENTRY, LIST_ACTIVITY, TOOL
from tradepost.hub.gateway.answers import error_result
from tradepost.protocol.builtin import Definitions, Expects, Json, Mode, ToolResult

SLUG = "activity"
SCOPE = "read:analytics"
SAID = 5

_IN_SHORT = ("id", "at", "kind", "what", "who", "outcome")
_IN_FULL = ("milliseconds", "request_id", "approver")


class ActivityServer:
    """A BuiltinServer over the audit log of the caller's workspace."""

    slug = SLUG
    title = "Activity"

    def __init__(self, database: Database) -> None:
        self._feed = Feed(database)

    def definitions(self) -> Definitions:
        """One tool."""
        return Definitions(tools=[LIST_ACTIVITY], tool_classes={TOOL: "read"}, tool_scopes={TOOL: SCOPE})

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: Json,
        key: str | None,
        mode: Mode = "execute",
        expects: Expects | None = None,
    ) -> ToolResult:
        """list_activity."""
        if name != TOOL:
            raise NotFound(f"Unknown tool: {name}.")
        try:
            shown = await self._page(caller, arguments)
        except TradepostError as error:
            result = error_result(error)
            return ToolResult(result["content"], result["structuredContent"], is_error=True)
        return ToolResult([{"type": "text", "text": _sentence(shown)}], shown)

    async def read(self, caller: Caller, uri: str) -> Json:
        """It has no resources."""
        raise NotFound(f"No resource '{uri}' was found.")

    async def watched(self, caller: Caller, uri: str) -> str | None:
        """Nothing to watch."""
        raise NotFound(f"No resource '{uri}' was found.")

    async def prompt(self, caller: Caller, name: str, arguments: Mapping[str, str]) -> Json:
        """It has no prompts."""
        raise NotFound(f"Unknown prompt: {name}.")

    async def complete(self, caller: Caller, reference: Json, argument: str, value: str) -> Json:
        """Nothing to complete."""
        return {"values": [], "total": 0, "hasMore": False}

    async def _page(self, caller: Caller, arguments: Json) -> Json:
        wanted = Wanted(
            start=_moment(arguments, "date_from"),
            end=_moment(arguments, "date_to"),
            agent=arguments.get("agent"),
            tool=arguments.get("tool"),
            kind=arguments.get("kind"),
            approval_id=arguments.get("approval_id"),
        )
        limit = int(arguments.get("limit", 20))
        page = await self._feed.page(caller.workspace_id, wanted, limit, arguments.get("cursor"))
        keys = _keys(str(arguments.get("detail", "standard")), arguments.get("fields"))
        return {
            "items": [_shape(entry, keys) for entry in page.entries],
            "next_cursor": page.next_cursor,
            "has_more": page.next_cursor is not None,
            "total_estimate": page.total,
            "truncated": False,
        }


def _moment(arguments: Json, name: str) -> datetime | None:
    text = arguments.get(name)
    if text is None:
        return None
    try:
        return from_rfc3339(str(text))
    except ValueError:
        raise InvalidArgument(
            f"{name} is no time: use RFC 3339, for example 2026-03-01T00:00:00Z.", field=name
        ) from None


def _keys(detail: str, fields: list[str] | None) -> set[str]:
    known = set(ENTRY["properties"])
    keys = set(_IN_SHORT) if detail == "summary" else known if detail == "full" else known - set(_IN_FULL)
    if fields is None:
        return keys
    unknown = sorted(set(fields) - known)
    if unknown:
        raise InvalidArgument(
            f"Entries have no field '{unknown[0][:60]}'.", hint=f"They have {', '.join(sorted(known))}.", field="fields"
        )
    return {"id", *fields}


def _shape(entry: Entry, keys: set[str]) -> dict[str, Any]:
    whole = {
        "id": entry.id,
        "at": to_rfc3339(entry.at),
        "kind": entry.kind,
        "what": entry.what,
        "who": entry.who,
        "server": entry.server,
        "decision": entry.decision,
        "outcome": entry.outcome,
        "approval_id": entry.approval_id,
        "approver": entry.approver,
        "milliseconds": None if entry.duration_us is None else round(entry.duration_us / 1000, 2),
        "request_id": entry.request_id,
    }
    return {key: value for key, value in whole.items() if key in keys}


def _sentence(shown: Json) -> str:
    items = shown["items"]
    if not items:
        return "Nothing of that kind happened."
    told = [
        f"{item['at'][:16]} {item['who']}: {item['what']}{' ' + item['outcome'] if item.get('outcome') else ''}"
        for item in items[:SAID]
        if {"at", "who", "what"} <= item.keys()
    ]
    return f"{len(items)} of {shown['total_estimate']} entries. " + "; ".join(told) + ("." if told else "")
