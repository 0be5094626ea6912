"""What is measured of the gateway. Calls are counted by names of the registry, never by what a client wrote."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from tradepost.database.engine import Database
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.telemetry.meters import Ended

Values = dict[tuple[str, str], float]  # by name and label


def ended_of(call: Call) -> Ended:
    """What is counted of a call."""
    entry, caller = call.entry, call.caller
    writes = False
    server, tool = "", str(call.kind)
    if entry is not None:
        server, writes = entry.server_slug, call.writes
        if isinstance(entry, CatalogTool):
            tool = entry.raw_name
    outcome, code = _outcome(call)
    return Ended(caller.workspace_id, server, tool, caller.agent_id or caller.principal.kind, writes, outcome, code)


def about(call: Call) -> dict[str, Any]:
    """Whose call it is, for a line in the process's log."""
    caller = call.caller
    return {"request_id": caller.request_id, "workspace_id": caller.workspace_id, "agent_id": caller.agent_id}


def logged(call: Call) -> dict[str, Any]:
    """A call that is over, for such a line."""
    ended = ended_of(call)
    named = {"server": ended.server, "tool": ended.tool, "outcome": ended.outcome, "code": ended.code}
    return {**about(call), **named, "duration_us": call.duration_us()}


def _outcome(call: Call) -> tuple[str, str]:
    if call.error is not None:
        return "error" if call.sent else "refused", call.error.code
    if call.crash is not None:
        return "error", "internal_error"
    if call.replayed:
        return "replayed", ""
    answer = call.answer or call.result
    if answer is not None and answer.get("isError"):
        return "error", "tool_error"
    if call.action is not None and not call.sent and call.claim is None and call.kind == "tool":
        return "approval_required", ""
    return "ok", ""


class Gauges:
    """How things stand at a moment, in this process."""

    def __init__(
        self, parts: Parts, sealer: Sealer, databases: Mapping[str, Database], outlets: Callable[[], Values]
    ) -> None:
        self._parts = parts
        self._sealer = sealer
        self._databases = databases
        self._outlets = outlets

    def __call__(self) -> Values:
        """Values by name and label."""
        parts = self._parts
        found: Values = {
            **self._outlets(),
            ("audit_waiting_rows", ""): parts.audit.waiting,
            ("audit_lost_rows", ""): parts.audit.lost,
            ("audit_sealed_seconds", ""): monotonic() - self._sealer.sealed_at,
        }
        for of, lines in (("principals", parts.principals), ("servers", parts.servers)):
            running, waiting = lines.taken()
            found["calls_in_flight", of], found["calls_waiting", of] = running, waiting
        found["calls_share", ""] = 1 / parts.principals.part.of
        for server_id in parts.attempts.left_alone():
            found["breaker_open", server_id] = 1
        for name, database in self._databases.items():
            found["database_connections", name] = database.connections()
        return found
