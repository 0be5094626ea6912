"""The definition of list_activity."""

from tradepost.hub.gateway.activity_feed import KINDS
from tradepost.protocol.builtin import Json

TOOL = "list_activity"

_TEXT = ["string", "null"]
ENTRY: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "kind": {"type": "string", "enum": list(KINDS)},
        "what": {"type": "string", "description": "The tool, or what was decided or changed."},
        "who": {"type": "string", "description": "The agent or person."},
        "server": {"type": _TEXT},
        "decision": {"type": _TEXT},
        "outcome": {"type": _TEXT},
        "approval_id": {"type": _TEXT},
        "approver": {"type": _TEXT},
        "milliseconds": {"type": ["number", "null"]},
        "request_id": {"type": "string"},
    },
    "required": ["id"],
}

LIST_ACTIVITY: Json = {
    "name": TOOL,
    "title": "List activity",
    "description": (
        "Shows who did what in the workspace, the newest first: calls of agents, what was refused, decisions of "
        "people, changes of the set-up. Use it to find out who changed or approved something and when, or what an "
        "agent has done. Not for the history of one order (order://{number}/timeline) and not for a write of your own "
        "that waits (get_approval). Reads only; arguments are never shown. Returns per entry time, kind, tool, agent "
        "or person, decision, outcome and the approval it belongs to."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "date_from": {
                "type": _TEXT,
                "format": "date-time",
                "description": "From then on, in UTC.",
                "examples": ["2026-03-01T00:00:00Z"],
                "default": None,
            },
            "date_to": {
                "type": _TEXT,
                "format": "date-time",
                "description": "Before then, in UTC.",
                "examples": ["2026-03-02T00:00:00Z"],
                "default": None,
            },
            "agent": {
                "type": _TEXT,
                "maxLength": 200,
                "description": "Only this agent, by short name or id.",
                "examples": ["returns_specialist"],
                "default": None,
            },
            "tool": {
                "type": _TEXT,
                "maxLength": 200,
                "description": "Only calls of this tool.",
                "examples": ["initiate_refund"],
                "default": None,
            },
            "kind": {
                "type": _TEXT,
                "enum": [*KINDS, None],
                "description": "Only reads, writes begun, their outcomes, refusals, decisions, or changes.",
                "examples": ["decision"],
                "default": None,
            },
            "approval_id": {
                "type": _TEXT,
                "maxLength": 100,
                "description": "Only what belongs to this approval.",
                "examples": ["act_06fk3w9x0t"],
                "default": None,
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": 50,
                "description": "Page size.",
                "examples": [20],
                "default": 20,
            },
            "cursor": {"type": _TEXT, "description": "Last next_cursor.", "examples": ["WyJv…"], "default": None},
            "detail": {
                "type": "string",
                "enum": ["summary", "standard", "full"],
                "description": "Verbosity.",
                "examples": ["standard"],
                "default": "standard",
            },
            "fields": {
                "type": ["array", "null"],
                "items": {"type": "string"},
                "maxItems": 30,
                "description": "Only these keys.",
                "examples": [["at", "who", "what"]],
                "default": None,
            },
        },
        "additionalProperties": False,
    },
    "outputSchema": {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": ENTRY},
            "next_cursor": {"type": _TEXT},
            "has_more": {"type": "boolean"},
            "total_estimate": {"type": ["integer", "string"]},
            "truncated": {"type": "boolean"},
        },
        "required": ["items", "next_cursor", "has_more", "total_estimate", "truncated"],
    },
    "annotations": {
        "title": "List activity",
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    },
}
