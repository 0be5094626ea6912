"""Which rows of the log somebody wants to see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tradepost.hub.audit.models import AuditEvent

_EQUAL = ("kind", "request_id", "run_id", "action_id", "agent_id", "user_id", "server", "tool")


@dataclass(frozen=True, slots=True)
class Filter:
    """Several conditions hold together. `since` and later, before `until`."""

    since: datetime | None = None
    until: datetime | None = None
    kind: str | None = None
    request_id: str | None = None
    run_id: str | None = None
    action_id: str | None = None
    agent_id: str | None = None
    user_id: str | None = None
    server: str | None = None
    tool: str | None = None

    def applied(self, statement: Any) -> Any:  # a Select of whatever columns
        """The statement, limited to these rows."""
        if self.since is not None:
            statement = statement.where(AuditEvent.occurred_at >= self.since)
        if self.until is not None:
            statement = statement.where(AuditEvent.occurred_at < self.until)
        for name in _EQUAL:
            wanted = getattr(self, name)
            if wanted is not None:
                statement = statement.where(getattr(AuditEvent, name) == wanted)
        return statement

    @property
    def newest_first(self) -> tuple[tuple[Any, type], ...]:
        """In which order a list of these rows is read, each column with the type of its values: by their number, which
        an index has behind each filter; within a period by their time, else everything after it would be looked at."""
        number = (AuditEvent.sequence, int)
        return (number,) if self.since is self.until is None else ((AuditEvent.occurred_at, datetime), number)


EVERYTHING = Filter()
