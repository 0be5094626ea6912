"""Look-ups: selects that are built once and give rows to read and nothing else.

An entity of the ORM is watched for changes, kept in the session's map and can be written back; for the most used reads
that machinery costs several times what the database does. A look-up is limited to the session's workspace as every
other query is, and gives for each entity a plain record with its columns. Where the driver answers in place (SQLite's
quick reads), its compiled statement goes straight to the driver.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Literal

from sqlalchemy import BindParameter, Dialect, Select, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.sql import visitors

from tradepost.database.scoping import DRIVER, EVERY_WORKSPACE, INLINE, limited_once, stands_inline

Record = Any  # reads like the entity whose columns it has
_Row = Sequence[Any]
_Maker = Callable[[_Row], Any]
_UNKNOWN: Any = object()

# Stands for the id of a workspace in what was compiled for any: no workspace has it.
_ANY_WORKSPACE = "the-workspace-that-asks"

_first: list[tuple["Lookup", str]] = []


class Lookup:
    """A select of entities and columns of mapped classes, made at the top of a module. Values are its parameters.

    Those that are asked `first`, of one workspace or of all, are compiled at the start: a client would wait for it.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]], *, first: Literal["one", "all"] | None = None) -> None:
        if first is not None:
            _first.append((self, _ANY_WORKSPACE if first == "one" else EVERY_WORKSPACE))
        columns: list[Any] = []
        self._makers: list[_Maker] = []
        self._plain = True  # columns alone: the rows are ready as they come
        for selected in statement.column_descriptions:
            expression = selected["expr"]
            if isinstance(expression, type):
                self._plain = False
                mapper: Mapper[Any] = inspect(expression)
                names = tuple(attribute.key for attribute in mapper.column_attrs)
                self._makers.append(_entity(expression, len(columns), names))
                columns += [getattr(expression, name) for name in names]
            else:
                self._makers.append(_column(len(columns)))
                columns.append(expression)
        self._columns = tuple(columns)
        self._prepared: dict[str, _Prepared | None] = {}  # by workspace, of which there are few
        self._statement = statement.with_only_columns(*columns, maintain_column_froms=True)

    async def rows(self, session: AsyncSession, values: Mapping[str, Any]) -> Sequence[Sequence[Record]]:
        """For each row what was selected, in its order; None for an entity that an outer join did not find."""
        driver: Any = session.info.get(DRIVER)
        prepared = None if driver is None else self._prepared_for(session.sync_session)
        found: Sequence[_Row]
        if prepared is None:
            found = await session.run_sync(self._execute, values)
        else:
            found = prepared.run(driver, values)
        return found if self._plain else [[make(row) for make in self._makers] for row in found]

    def _execute(self, session: Session, values: Mapping[str, Any]) -> Sequence[_Row]:
        session.flush()  # what this unit of work has changed is seen, as by every query
        info = session.info
        statement = limited_once(self._statement, info["workspace_id"], inline=info.get(INLINE, False))
        return session.connection().execute(statement, dict(values)).all()

    def prepare(self, workspace_id: str, dialect: Dialect) -> "_Prepared | None":
        """The compiled statement, kept for a workspace. It is compiled once for all whose id can stand in it."""
        if workspace_id in (EVERY_WORKSPACE, _ANY_WORKSPACE) or not stands_inline(workspace_id):
            statement = limited_once(self._statement, workspace_id, inline=True)
            prepared = _prepare(statement, self._columns, dialect)
        else:
            of_any: _Prepared | None = self._prepared.get(_ANY_WORKSPACE, _UNKNOWN)
            of_any = self.prepare(_ANY_WORKSPACE, dialect) if of_any is _UNKNOWN else of_any
            prepared = of_any and of_any.of_workspace(workspace_id)
        self._prepared[workspace_id] = prepared
        return prepared

    def _prepared_for(self, session: Session) -> "_Prepared | None":
        workspace_id = session.info["workspace_id"]
        prepared: _Prepared | None = self._prepared.get(workspace_id, _UNKNOWN)
        return self.prepare(workspace_id, session.get_bind().dialect) if prepared is _UNKNOWN else prepared


def prepare_first(dialect: Dialect) -> None:
    """Compile what the first clients ask."""
    for lookup, workspace_id in _first:
        lookup.prepare(workspace_id, dialect)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement as the driver takes it: its text, the names of its values in order, what makes Python of columns and
    what makes the driver's own of values."""

    text: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]
    converters: tuple[tuple[int, Callable[[Any], Any]], ...]
    binders: Mapping[str, Callable[[Any], Any]]

    def of_workspace(self, workspace_id: str) -> "_Prepared":
        """The same for a workspace, of what was compiled for any."""
        return replace(self, text=self.text.replace(f"'{_ANY_WORKSPACE}'", f"'{workspace_id}'"))

    def run(self, driver: sqlite3.Connection, values: Mapping[str, Any]) -> list[_Row]:
        given = {**self.fixed, **values}
        for name, bind in self.binders.items():
            given[name] = bind(given[name])
        rows = driver.execute(self.text, [given[name] for name in self.names])
        if not self.converters:
            return rows.fetchall()
        found: list[_Row] = []
        for row in rows.fetchall():
            made = list(row)
            for position, convert in self.converters:
                if made[position] is not None:
                    made[position] = convert(made[position])
            found.append(made)
        return found


def _prepare(statement: Any, columns: tuple[Any, ...], dialect: Dialect) -> _Prepared | None:
    """None for a statement whose text depends on its values (`in_`): that is the usual way's to make."""
    if any(isinstance(part, BindParameter) and part.expanding for part in visitors.iterate(statement)):
        return None
    compiled = statement.compile(dialect=dialect)
    if compiled.post_compile_params or compiled.positiontup is None:
        return None
    converters = []
    for position, column in enumerate(columns):
        convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if convert is not None:
            converters.append((position, convert))
    fixed = {name: value for name, value in compiled.params.items() if value is not None}
    binders = {}
    for name in compiled.positiontup:
        bind = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
        if bind is not None:
            binders[name] = bind
    return _Prepared(str(compiled), tuple(compiled.positiontup), fixed, tuple(converters), binders)


def _column(position: int) -> _Maker:
    return lambda row: row[position]


def _entity(model: type, start: int, names: tuple[str, ...]) -> _Maker:
    make, key, end = partial(tuple.__new__, _record(model, names)), start + names.index("id"), start + len(names)
    return lambda row: None if row[key] is None else make(row[start:end])


@cache
def _record(model: type, names: tuple[str, ...]) -> Any:
    facts = {
        name: value
        for cls in reversed(model.__mro__)
        for name, value in vars(cls).items()
        if isinstance(value, str) and name not in (*names, "__module__", "__doc__")  # its noun, its table's name
    }
    # A tuple is made in one step and cannot be changed, since nothing would write it back. Compared and hashed as what
    # it is, like an entity.
    like_entities = {name: getattr(object, name) for name in ("__eq__", "__ne__", "__hash__")}
    return type(model.__name__, (namedtuple(model.__name__, names),), {"__slots__": (), **facts, **like_entities})
