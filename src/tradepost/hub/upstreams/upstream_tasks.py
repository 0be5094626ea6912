"""Tasks of servers: what a server says of one, checked and in our shape. All of it is outsiders' text."""

from typing import Any

import orjson

from tradepost.foundation.clock import from_rfc3339, system_now, to_rfc3339
from tradepost.foundation.untrusted import clean, untrusted
from tradepost.hub.upstreams.redaction import redact
from tradepost.hub.upstreams.results import bounded, misshapen, tool_result
from tradepost.hub.upstreams.talk import MAX_TEXT, cleaned_value, requests_in
from tradepost.protocol.jsonrpc import Json

MAX_TASK_ID = 1_024  # characters; sealed, it has to fit into a header
LEAST_POLL_MS, MOST_POLL_MS = 200, 3_600_000

OPEN = ("working", "input_required")
_STATUSES = (*OPEN, "completed", "failed", "cancelled")


def task_id_of(result: Json, hidden: tuple[str, ...]) -> str:
    """The server's own id of a task. Raises UpstreamFailed for one that nobody could send back."""
    task_id = result.get("taskId")
    if not isinstance(task_id, str) or not task_id or len(task_id) > MAX_TASK_ID:
        raise misshapen("a task without a usable id")
    if clean(task_id, MAX_TASK_ID) != task_id or redact(task_id, hidden) != task_id:
        raise misshapen("a task without a usable id")
    return task_id


def told_of(result: Json, hidden: tuple[str, ...]) -> Json:
    """How a task stands, without its id: status, times, and `result` (a CallToolResult), `error` (details of one) or
    `inputRequests`. Raises UpstreamFailed."""
    bounded(result)
    status = result.get("status")
    if status not in _STATUSES:
        raise misshapen("a task without a status")
    now = to_rfc3339(system_now())
    told: Json = {
        "status": status,
        "createdAt": _time(result.get("createdAt"), now),
        "lastUpdatedAt": _time(result.get("lastUpdatedAt"), now),
        "ttlMs": _whole(result.get("ttlMs")),
    }
    message, poll = result.get("statusMessage"), _whole(result.get("pollIntervalMs"))
    if isinstance(message, str):
        told["statusMessage"] = clean(redact(message, hidden), MAX_TEXT)
    if poll is not None:
        told["pollIntervalMs"] = min(max(poll, LEAST_POLL_MS), MOST_POLL_MS)
    return {**told, **_end_of(status, result, hidden)}


def created_of(result: Json, hidden: tuple[str, ...]) -> Json:
    """A CreateTaskResult: a task that is under way, with the server's own id."""
    return {**told_of({**result, "status": "working"}, hidden), "taskId": task_id_of(result, hidden)}


def _end_of(status: str, result: Json, hidden: tuple[str, ...]) -> Json:
    if status == "input_required":
        return {"inputRequests": cleaned_value(redact(requests_in(result), hidden))}
    if status == "completed":
        inner = result.get("result")
        if not isinstance(inner, dict):
            raise misshapen("a completed task without a result")
        return {"result": tool_result(inner, orjson.dumps(inner), hidden).as_dict()}
    if status == "failed":
        error = result.get("error")
        error = error if isinstance(error, dict) else {}
        said, code = error.get("message"), error.get("code")
        sentence = redact(said if isinstance(said, str) else "no reason given", hidden)
        return {
            "error": {"server_said": untrusted(sentence, MAX_TEXT), "server_code": code if type(code) is int else None}
        }
    return {}


def _whole(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _time(value: Any, otherwise: str) -> str:
    try:
        return to_rfc3339(from_rfc3339(value)) if isinstance(value, str) else otherwise
    except (ValueError, OverflowError):
        return otherwise
