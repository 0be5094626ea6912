"""One way to say that something in a workspace's registry or access changed: version, wake-up and audit row at once.

The registry version counts up in the transaction of the change. Whoever keeps something compiled (catalogs, verified
keys) compares versions on every call. One look does for all of a call's steps, so a change acts on the next call here
and within a second elsewhere.
"""

from collections.abc import Mapping
from time import monotonic
from typing import Any, Protocol

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.scoping import EVERY_WORKSPACE
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import system_now
from tradepost.hub.access.models import RegistryVersion
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.events.publish import publish

SEEN_SECONDS = 0.25
CHANNEL = "tradepost_registry"
ROW_ID = "registry"
BUMPED = "registry_versions"  # key in session.info: {workspace: version} of this transaction


class Versions(Protocol):
    """Who knows the current registry version of a workspace; the registry watch satisfies it."""

    async def version(self, workspace_id: str) -> int: ...

    def at_hand(self, workspace_id: str) -> int | None: ...


def seen_version(caller: Caller) -> int | None:
    """The registry version that was looked at when the caller's request was let in. None where nobody looked, or where
    the request has taken its time since: its body came slowly, or it waited in line."""
    seen = caller.seen
    return seen.version if seen is not None and monotonic() - seen.at < SEEN_SECONDS else None


async def bump(session: AsyncSession) -> int:
    """Raise the registry version of the session's workspace, once in its transaction: nobody else sees a step in
    between. Returns the new version.

    The row's lock also puts concurrent changes of one workspace in order.
    """
    workspace_id = str(session.info["workspace_id"])
    if workspace_id == EVERY_WORKSPACE:
        raise RuntimeError("A registry change belongs to one workspace; open a transaction for it.")
    bumped: dict[str, int] = session.info.setdefault(BUMPED, {})
    if workspace_id in bumped:
        return bumped[workspace_id]
    raised = await session.scalar(
        update(RegistryVersion)
        .where(RegistryVersion.id == ROW_ID)
        .values(version=RegistryVersion.version + 1)
        .returning(RegistryVersion.version)
    )
    if raised is None:
        session.add(RegistryVersion(workspace_id=workspace_id, id=ROW_ID, version=1))
        await session.flush()
        raised = 1
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(
            text("SELECT pg_notify(:channel, :payload)"), {"channel": CHANNEL, "payload": f"{workspace_id} {raised}"}
        )
    bumped[workspace_id] = int(raised)
    return bumped[workspace_id]


def note(session: AsyncSession, by: Caller, tag: str, subject: str, details: Mapping[str, Any] | None = None) -> None:
    """An audit row about the administration, in the session's transaction. `details` must hold no secret."""
    fact = AuditFact.of(by, "admin", tag, outcome="ok", details={"subject": subject, **(details or {})})
    session.add(fact.as_row(system_now()))


async def record_change(
    session: AsyncSession, by: Caller, tag: str, subject: str, details: Mapping[str, Any] | None = None
) -> None:
    """What every change of registry or access ends with: the audit row, the event and the raised version."""
    note(session, by, tag, subject, details)
    workspace_id = str(session.info["workspace_id"])
    publish(session, workspace_id, tag, subject, actor=by.principal.id, request_id=by.request_id)
    await session.flush()
    await bump(session)
