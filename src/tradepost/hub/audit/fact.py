"""One thing to be recorded, as plain values, and the row it becomes."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from tradepost.foundation.caller import Caller
from tradepost.foundation.ids import new_id
from tradepost.hub.audit.models import AuditEvent, AuditKind


class Kept(NamedTuple):
    """What a row keeps of the arguments of a call and of its result: the arguments as canonical JSON, as far as the
    workspace keeps them, their size and the result's in bytes of JSON, and about how many tokens the result is."""

    arguments: str | None = None
    arguments_bytes: int | None = None
    result_bytes: int | None = None
    result_tokens: int | None = None


NO_DETAILS: Mapping[str, Any] = MappingProxyType({})


class AuditFact(NamedTuple):
    """What was asked, decided or done. Definitions appear as digests, arguments as the workspace's rule leaves them;
    `details` holds small plain values only, nothing secret. A tuple, because every call makes one."""

    workspace_id: str
    kind: AuditKind
    tag: str
    request_id: str
    principal_kind: str
    principal_id: str
    run_id: str | None = None
    agent_id: str | None = None
    user_id: str | None = None
    server: str | None = None
    tool: str | None = None
    action_id: str | None = None
    arguments_digest: str | None = None
    definition_digest: str | None = None
    decision: str | None = None
    approver_id: str | None = None
    outcome: str | None = None
    error_code: str | None = None
    duration_us: int | None = None
    rule_id: str | None = None
    upstream_request_id: str | None = None
    upstream_us: int | None = None
    arguments: str | None = None
    arguments_bytes: int | None = None
    result_bytes: int | None = None
    result_tokens: int | None = None
    details: Mapping[str, Any] = NO_DETAILS

    @classmethod
    def of(cls, caller: Caller, kind: AuditKind, tag: str, **values: Any) -> "AuditFact":
        """A fact about something this caller did."""
        principal, run_id = caller.principal, values.pop("run_id", caller.run_id)
        who = caller.workspace_id, kind, tag, caller.request_id, principal.kind, principal.id
        return cls(*who, run_id, caller.agent_id, caller.user_id, **values)

    @classmethod
    def of_call(
        cls,
        caller: Caller,
        kind: AuditKind,
        tag: str,
        run_id: str | None,
        server: str | None,
        tool: str | None,
        action_id: str | None,
        arguments_digest: str | None,
        definition_digest: str | None,
        decision: str | None,
        approver_id: str | None,
        outcome: str | None,
        error_code: str | None,
        duration_us: int | None,
        rule_id: str | None,
        upstream_request_id: str | None,
        upstream_us: int | None,
        details: Mapping[str, Any],
    ) -> "AuditFact":
        """The same for the one row of a call, with all values in their order but those of Kept: to pass them by name
        costs several times as much."""
        principal = caller.principal
        values = (
            *(caller.workspace_id, kind, tag, caller.request_id, principal.kind, principal.id),
            *(run_id, caller.agent_id, caller.user_id, server, tool, action_id, arguments_digest, definition_digest),
            *(decision, approver_id, outcome, error_code, duration_us, rule_id, upstream_request_id, upstream_us),
            *(None, None, None, None, details),
        )
        return tuple.__new__(cls, values)

    def as_values(self, event_id: str, occurred_at: datetime | str, kept: Kept | None = None) -> tuple[Any, ...]:
        """The values of its row, in the order of COLUMNS. `kept` is what it keeps of arguments and result;
        `occurred_at` may be what the database makes of it, where that has been made."""
        details = dict(self.details) if self.details else _NONE
        if kept is None:
            return (*self[:-1], details, event_id, occurred_at)
        return (*self[:_KEPT], *kept, details, event_id, occurred_at)

    def keeping(self, kept: Kept) -> "AuditFact":
        """The same fact, with what it keeps of arguments and result."""
        return self._replace(**kept._asdict())

    def as_row(self, occurred_at: datetime) -> AuditEvent:
        """Its row, with a new id."""
        values = dict(zip(COLUMNS, self.as_values(new_id("aud"), occurred_at), strict=True))
        return AuditEvent(**{**values, "details": dict(self.details)})


_NONE: dict[str, Any] = {}
_KEPT = AuditFact._fields.index("arguments")  # the four behind it are those of Kept
COLUMNS = (*AuditFact._fields, "id", "occurred_at")  # details are the last of them
