"""The workspace scope, enforced by the session: every ORM query gets the filter, every new row the workspace.

A session is opened for one workspace or, by the few system tasks that serve all of them, for none. On PostgreSQL
row-level security holds the same line a second time.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnClause, Connection, Engine, Table, event, literal_column
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.sql import visitors
from sqlalchemy.sql.base import ExecutableOption

from tradepost.database.base import HubBase, Scoped, StoreBase

EVERY_WORKSPACE = "*"

# The execution option of a statement that is built once, at the top of a module, and takes its values as parameters.
BUILT_ONCE = "tradepost_built_once"

# Session info: workspaces are few here (SQLite), so that a statement may be compiled for each.
INLINE = "inline_workspace"

# Session info of a quick read on SQLite: the driver's connection, in a transaction, and the same from the pool.
DRIVER, POOLED = "driver_connection", "pooled_connection"
_PLAIN_ID = re.compile("[A-Za-z0-9_-]{1,64}")


class ScopedSession(Session):
    """The sync session inside our async one; the listeners below hang on it alone."""

    _joined: Connection | None = None

    @property
    def workspace_id(self) -> str:
        """The workspace this session is bound to, or EVERY_WORKSPACE."""
        return str(self.info["workspace_id"])

    def get_bind(self, *args: Any, **options: Any) -> Engine | Connection:
        """The engine; for a quick read, the connection on which its look-ups run, so that all see the same state."""
        engine = super().get_bind(*args, **options)
        pooled = self.info.get(POOLED)
        if pooled is None or not isinstance(engine, Engine):
            return engine
        if self._joined is None:
            self._joined = Connection(engine, pooled)
        return self._joined


@event.listens_for(ScopedSession, "do_orm_execute")
def _limit_to_workspace(state: ORMExecuteState) -> None:
    workspace_id = state.session.info["workspace_id"]
    if workspace_id == EVERY_WORKSPACE or state.is_column_load or state.is_relationship_load:
        return
    if state.execution_options.get(BUILT_ONCE):
        state.statement = _limited(state.statement, workspace_id, state.session.info.get(INLINE, False))
    else:
        state.statement = state.statement.options(_criteria(workspace_id))


def limited_once(statement: Any, workspace_id: str, *, inline: bool) -> Any:
    """A statement of a module, limited to a workspace: for what is executed beside the ORM's own way. `inline` writes
    the id into the statement, where `stands_inline` says that it can stand there."""
    if workspace_id == EVERY_WORKSPACE:
        return statement
    return _limited(statement, workspace_id, inline)


def stands_inline(workspace_id: str) -> bool:
    """Whether an id means the same in quotes as it does bare."""
    return _PLAIN_ID.fullmatch(workspace_id) is not None


@lru_cache(maxsize=4096)
def _limited(statement: Any, workspace_id: str, inline: bool) -> Any:
    """A statement of a module, with the filter on every table in it: kept, so that its cache key is computed once and
    not per call. A filter per class costs less at execution than the one that fits them all; the id as a literal less
    than as a parameter, at the price of a compiled statement per workspace."""
    tables = {element for element in visitors.iterate(statement) if isinstance(element, Table)}
    classes = [mapper.class_ for mapper in _scoped_mappers() if mapper.local_table in tables]
    if len(classes) != len(tables):
        return statement.options(_criteria(workspace_id))
    if inline and stands_inline(workspace_id):
        literal: ColumnClause[str] = literal_column(f"'{workspace_id}'")
        return statement.options(*(_own_rows(cls, literal) for cls in classes))
    return statement.options(*(_criteria(workspace_id, cls) for cls in classes))  # type: ignore[arg-type]


def _own_rows(cls: Any, literal: ColumnClause[str]) -> ExecutableOption:
    return with_loader_criteria(cls, lambda cls: cls.workspace_id == literal, include_aliases=True)


def _scoped_mappers() -> Iterator[Mapper[Any]]:
    for base in (HubBase, StoreBase):
        yield from (mapper for mapper in base.registry.mappers if issubclass(mapper.class_, Scoped))


@lru_cache(maxsize=8192)
def _criteria(workspace_id: str, cls: Any = Scoped) -> ExecutableOption:
    """The filter of one class, or of all. Lambdas, because only that form follows an alias of the table."""
    return with_loader_criteria(
        cls,
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
