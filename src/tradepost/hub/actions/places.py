"""Opening an action: a write gets its one row, found again by (workspace, principal, tool entry, key).

`INSERT … ON CONFLICT DO NOTHING` decides between two calls that come at the same moment; the one that finds the row
taken gets the other's row back and must answer from it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tradepost.foundation.caller import Caller
from tradepost.foundation.canonical import canonical, digest
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.ids import handle
from tradepost.hub.actions.caller_record import TAKES_TASKS, to_record
from tradepost.hub.actions.models import Action, ActionState

_GIVEN_UP = ("rejected", "expired", "canceled", "failed")  # of an undoing: another one may be made
_PLACE = ("workspace_id", "principal_id", "tool_entry_id", "key")


@dataclass(frozen=True, slots=True)
class Target:
    """What is called, frozen with the action: an approval holds for exactly this definition, server and credential."""

    tool_entry_id: str
    server_id: str
    server_slug: str
    tool_class: str
    tool_name: str
    exposed_name: str
    definition_digest: str
    server_url: str | None
    credential_version: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A write that wants a row. `state` is `pending` for one that people are asked about, `executing` for an allowed
    one, which the process that opens it also carries out, `approved` for an allowed one that a serving process is to
    carry out. `undoes` is the action that it takes back. `takes_tasks`: the client was ready for a task, so the server
    may make one of the call, too."""

    caller: Caller
    target: Target
    key: str
    arguments: dict[str, Any]
    state: ActionState
    decision: str
    decision_reason: str
    run_id: str | None = None
    preview: dict[str, Any] | None = None
    approvals_needed: int = 0
    approver_role: str | None = None
    moves_money: bool = False
    expires_at: datetime | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    takes_tasks: bool = False
    undoes: str | None = None
    rule_id: str | None = None
    taint: dict[str, Any] | None = None


async def find(session: AsyncSession, caller: Caller, tool_entry_id: str, key: str) -> Action | None:
    """The action of an earlier call with the same key, if any."""
    return (
        await session.scalars(
            select(Action).where(
                Action.principal_id == caller.principal.id, Action.tool_entry_id == tool_entry_id, Action.key == key
            )
        )
    ).one_or_none()


async def open_place(session: AsyncSession, draft: Draft) -> tuple[Action, bool]:
    """The action of a draft and whether this call made it; an existing one is returned as it is. Raises StateConflict
    for one that undoes what another is undoing, or has undone."""
    columns = _columns(draft)
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(Action).values(**columns).on_conflict_do_nothing(index_elements=_PLACE)
    made = await session.scalar(statement.returning(Action.id)) is not None
    action = await find(session, draft.caller, draft.target.tool_entry_id, draft.key)
    if action is None:
        raise RuntimeError("An action that was just opened cannot be found.")
    if made and draft.undoes is not None:
        await _take_back(session, draft.undoes, action.id)
    return action, made


async def _take_back(session: AsyncSession, undone: str, by: str) -> None:
    """Let an action be undone by this one alone: compare and set, in the transaction that opens it."""
    earlier = aliased(Action)
    given_up = select(earlier.id).where(earlier.workspace_id == Action.workspace_id, earlier.state.in_(_GIVEN_UP))
    statement = (
        update(Action)
        .where(Action.id == undone, Action.state == "succeeded")
        .where(or_(Action.undone_by.is_(None), Action.undone_by.in_(given_up)))
        .values(undone_by=by, version=Action.version + 1)
        .returning(Action.id)
        .execution_options(synchronize_session=False)
    )
    if await session.scalar(statement) is None:
        raise StateConflict("This was undone already, or is being undone.", hint="It is undone once.")


def fingerprint(arguments: dict[str, Any]) -> str:
    """What makes two calls with one key the same call."""
    return digest(arguments)


def _columns(draft: Draft) -> dict[str, Any]:
    caller, target = draft.caller, draft.target
    moment = system_now()
    executing = draft.state == "executing"
    return {
        "workspace_id": caller.workspace_id,
        "id": handle("act"),
        "version": 1,
        "created_at": moment,
        "updated_at": moment,
        "principal_kind": caller.principal.kind,
        "principal_id": caller.principal.id,
        "agent_id": caller.agent_id,
        "profile_id": caller.profile_id,
        "user_id": caller.user_id,
        "caller": {**to_record(caller), TAKES_TASKS: True} if draft.takes_tasks else to_record(caller),
        "tool_entry_id": target.tool_entry_id,
        "server_id": target.server_id,
        "server_slug": target.server_slug,
        "tool_class": target.tool_class,
        "tool_name": target.tool_name,
        "exposed_name": target.exposed_name,
        "key": draft.key,
        "arguments": canonical(draft.arguments).decode(),
        "fingerprint": fingerprint(draft.arguments),
        "definition_digest": target.definition_digest,
        "server_url": target.server_url,
        "credential_version": target.credential_version,
        "request_id": caller.request_id,
        "run_id": draft.run_id,
        "state": draft.state,
        "decision": draft.decision,
        "decision_reason": draft.decision_reason,
        "rule_id": draft.rule_id,
        "taint": draft.taint,
        "preview": draft.preview,
        "approvals_needed": draft.approvals_needed,
        "approver_role": draft.approver_role,
        "moves_money": draft.moves_money,
        "round": 1,
        "expires_at": draft.expires_at,
        "lease_owner": draft.lease_owner,
        "lease_until": draft.lease_until,
        "fence": 1 if executing else 0,
        "started_at": moment if executing else None,
        "undoes": draft.undoes,
    }
