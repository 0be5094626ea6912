"""The workspace scope, enforced by the session: every ORM query gets the filter, every new row the workspace.

A session is opened for one workspace or, by the few system tasks that serve all of them, for none. On PostgreSQL
row-level security holds the same line a second time.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption

from tradepost.database.base import Scoped

EVERY_WORKSPACE = "*"


class ScopedSession(Session):
    """The sync session inside our async one; the listeners below hang on it alone."""

    @property
    def workspace_id(self) -> str:
        """The workspace this session is bound to, or EVERY_WORKSPACE."""
        return str(self.info["workspace_id"])


@event.listens_for(ScopedSession, "do_orm_execute")
def _limit_to_workspace(state: ORMExecuteState) -> None:
    workspace_id = state.session.info["workspace_id"]
    if workspace_id == EVERY_WORKSPACE or state.is_column_load or state.is_relationship_load:
        return
    state.statement = state.statement.options(_criteria(workspace_id))


@lru_cache(maxsize=1024)
def _criteria(workspace_id: str) -> ExecutableOption:
    return with_loader_criteria(
        Scoped,
        lambda cls: cls.workspace_id == workspace_id,
        include_aliases=True,
        propagate_to_loaders=True,
    )


@event.listens_for(ScopedSession, "before_flush")
def _stamp_new_rows(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    workspace_id = session.info["workspace_id"]
    for row in session.new:
        if not isinstance(row, Scoped):
            continue
        if row.workspace_id is None:
            if workspace_id == EVERY_WORKSPACE:
                raise RuntimeError(f"A system session must name the workspace of a new {type(row).__name__}.")
            row.workspace_id = workspace_id
        elif workspace_id not in (EVERY_WORKSPACE, row.workspace_id):
            raise RuntimeError(f"A session of one workspace was handed a {type(row).__name__} of another.")
