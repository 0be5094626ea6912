"""What metrics tell of rows rather than of calls: how agents are called, what people approved, how far the audit is.

It is looked up when somebody asks for the metrics, so it is right however many processes there are, and also where
somebody approved by a command in a process of its own.
"""

from sqlalchemy import func, select

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.hub.access.models import Agent, Profile, Workspace
from tradepost.hub.audit.models import AuditDay, AuditEvent
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.telemetry.meters import MOST_SERIES, Told


class MeteredRows:
    """Looks them up."""

    def __init__(self, database: Database, sealer: Sealer, now: Now = system_now) -> None:
        self._database = database
        self._sealer = sealer
        self._now = now

    async def __call__(self) -> list[Told]:
        """Values with their labels. Raises what the database raises."""
        workspaces = select(Workspace.id, Workspace.slug).limit(MOST_SERIES)
        agents = select(Agent.workspace_id, Agent.id, Agent.slug, Profile.slug).join(
            Profile, (Profile.workspace_id == Agent.workspace_id) & (Profile.id == Agent.profile_id)
        )
        approved = select(AuditDay.workspace_id, func.sum(AuditDay.approvals)).group_by(AuditDay.workspace_id)
        unsealed = select(AuditEvent.occurred_at).where(AuditEvent.sequence > self._sealer.seen)
        async with self._database.system(write=False) as session:
            found = [Told("workspace_info", tuple(row)) for row in await session.execute(workspaces)]
            found += [Told("agent_info", tuple(row)) for row in await session.execute(agents.limit(MOST_SERIES))]
            found += [Told("approvals", (row[0],), float(row[1])) for row in await session.execute(approved)]
            oldest = await session.scalar(unsealed.order_by(AuditEvent.sequence).limit(1))
        lag = 0.0 if oldest is None else (self._now() - oldest).total_seconds()
        return [*found, Told("audit_sealing_lag_seconds", (), max(lag, 0.0))]
