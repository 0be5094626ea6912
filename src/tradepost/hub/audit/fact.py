"""One thing to be recorded, as plain values, and the row it becomes."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from tradepost.foundation.caller import Caller
from tradepost.foundation.ids import new_id
from tradepost.hub.audit.models import AuditEvent, AuditKind

NO_DETAILS: Mapping[str, Any] = MappingProxyType({})


class AuditFact(NamedTuple):
    """What was asked, decided or done. Arguments and definitions appear as digests, never as values; `details` holds
    small plain values only, nothing secret. A tuple, because every call makes one."""

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
    details: Mapping[str, Any] = NO_DETAILS

    @classmethod
    def of(cls, caller: Caller, kind: AuditKind, tag: str, **values: Any) -> "AuditFact":
        """A fact about something this caller did."""
        principal, run_id = caller.principal, values.pop("run_id", caller.run_id)
        who = caller.workspace_id, kind, tag, caller.request_id, principal.kind, principal.id
        return cls(*who, run_id, caller.agent_id, caller.user_id, **values)

    def as_values(self, event_id: str, occurred_at: datetime) -> tuple[Any, ...]:
        """The values of its row, in the order of COLUMNS."""
        return (*self[:-1], dict(self.details) if self.details else _NONE, event_id, occurred_at)

    def as_row(self, occurred_at: datetime) -> AuditEvent:
        """Its row, with a new id."""
        values = dict(zip(COLUMNS, self.as_values(new_id("aud"), occurred_at), strict=True))
        return AuditEvent(**{**values, "details": dict(self.details)})


_NONE: dict[str, Any] = {}
COLUMNS = (*AuditFact._fields, "id", "occurred_at")  # details are the last of them
