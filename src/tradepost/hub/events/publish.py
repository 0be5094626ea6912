"""Writing to the hub's outbox, in the transaction of the effect."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.ids import new_id
from tradepost.hub.events.models import HubEvent


def publish(
    session: AsyncSession,
    workspace_id: str,
    type: str,
    subject: str,
    *,
    actor: str,
    request_id: str,
    subject_version: int | None = None,
    payload: dict[str, Any] | None = None,
) -> None:
    """Add one event. `type` is subject:verb ("action:approved"), `subject` the id of the record it is about. It is
    relayed only if the caller's transaction commits."""
    session.add(
        HubEvent(
            workspace_id=workspace_id,
            id=new_id("evt"),
            type=type,
            subject=subject,
            subject_version=subject_version,
            payload=payload or {},
            actor=actor,
            request_id=request_id,
        )
    )
