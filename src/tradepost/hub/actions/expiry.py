"""What time does to actions: unanswered ones expire, and keys of old outcomes become free again."""

from datetime import timedelta

from sqlalchemy import select, update

from tradepost.database.engine import Database
from tradepost.foundation.ids import new_id
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.models import Action, ActionState
from tradepost.hub.actions.recorded import about
from tradepost.hub.actions.states import move
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.events.publish import publish

KEY_RETENTION = timedelta(days=7)
BATCH = 200


def retired_key(key: str, action_id: str) -> str:
    """What the key of an action becomes when a new call may use it again. A blank is in no key that a client sends."""
    return f"{key} {action_id}"


async def expire_due(database: Database, audit: AuditWriter, clock: ActionClock) -> int:
    """Expire pending and approved actions whose time is over. Returns how many."""
    async with database.system(write=False) as session:
        now = await clock.now(session)
        overdue = select(Action).where(Action.state.in_(("pending", "approved")), Action.expires_at <= now).limit(BATCH)
        found = (await session.scalars(overdue)).all()
    if not found:
        return 0
    expired = 0
    async with database.system(write=True) as session:
        for action in found:
            before: ActionState = "approved" if action.state == "approved" else "pending"
            still = Action.expires_at <= now
            if not await move(session, action.workspace_id, action.id, before, "expired", still, decided_at=now):
                continue
            expired += 1
            fact = AuditFact(
                workspace_id=action.workspace_id,
                kind="decision",
                tag="approval:expired",
                request_id=new_id("req"),
                principal_kind="system",
                principal_id="expiry",
                agent_id=action.agent_id,
                **about(action),
                decision="expired",
                outcome="expired",
            )
            audit.record(session, fact)
            publish(
                session, action.workspace_id, "action:expired", action.id, actor="system", request_id=fact.request_id
            )
    return expired


async def retire_keys(database: Database, clock: ActionClock, retention: timedelta = KEY_RETENTION) -> int:
    """Free the keys of calls that ended longer ago than the retention. The key of an unknown outcome is never freed."""
    async with database.system(write=False) as session:
        old = await clock.now(session) - retention
        ended = Action.state.in_(("succeeded", "failed", "rejected", "expired", "canceled"))
        statement = select(Action).where(ended, Action.updated_at <= old, Action.key.not_like("% %")).limit(BATCH)
        found = (await session.scalars(statement)).all()
    if not found:
        return 0
    freed = 0
    async with database.system(write=True) as session:
        for action in found:
            updated = await session.scalar(
                update(Action)
                .where(Action.workspace_id == action.workspace_id, Action.id == action.id, Action.key == action.key)
                .values(key=retired_key(action.key, action.id), version=Action.version + 1)
                .returning(Action.id)
                .execution_options(synchronize_session=False)
            )
            freed += updated is not None
    return freed
