"""Columns and constraints that the domains' tables share."""

from typing import Any, get_args

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    ColumnElement,
    Index,
    UniqueConstraint,
    bindparam,
    case,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import Versioned


class Numbered(Versioned):
    """A record that people call by a number ("1001", "RMA-1") and other systems by an id of theirs.

    `number` is stored without a decorating '#'; it is unique in the workspace, as is a given `external_id`.
    """

    number: Mapped[str]
    external_id: Mapped[str | None] = mapped_column(default=None)


def numbered(table: str) -> tuple[Any, ...]:
    """The unique constraints of a Numbered table."""
    return (
        UniqueConstraint("workspace_id", "number"),
        Index(f"uq_{table}_external_id", "workspace_id", "external_id", unique=True),
    )


def one_of(column: str, literal: Any) -> CheckConstraint:
    """The column holds one of the values of a Literal type."""
    values = ", ".join(f"'{value}'" for value in get_args(literal))
    return CheckConstraint(f"{column} IN ({values})", name=column)


def where(name: str, *columns: Any, condition: str) -> Index:
    """An index of the workspace's rows that meet a condition. A query uses it if it states the same condition."""
    return Index(name, "workspace_id", *columns, sqlite_where=text(condition), postgresql_where=text(condition))


def first_given(*columns: str) -> Any:
    """The first of these columns that has a value, in an index; the last one always has. `first_of` states the same."""
    *others, last = columns
    # Broken into lines as PostgreSQL does when it is asked for the index, so that the two can be compared.
    cases = "\n".join(f"WHEN {name} IS NOT NULL THEN {name}" for name in others)
    return text(f"(\nCASE\n{cases}\nELSE {last}\nEND)")


def first_of(*columns: Any) -> ColumnElement[Any]:
    """The first of these columns that has a value, as an index of it says it. Not by coalesce: behind row-level
    security PostgreSQL asks no index for one."""
    *others, last = columns
    return case(*((column.is_not(None), column) for column in others), else_=last)


def spelled_out(value: str) -> BindParameter[str]:
    """A value in the text of the statement, not as its parameter: only so does a condition state that of an index."""
    return bindparam(None, value, literal_execute=True)


def aside(column: Any) -> ColumnElement[Any]:
    """The column for a condition that no index is to be chosen for: that of another one knows fewer rows, which a
    planner cannot tell where nearly all rows of a long history are in the same state."""
    return func.coalesce(column, column)


def where_given(name: str, column: str, *columns: str) -> Index:
    """An index of a column that most rows leave empty."""
    return where(name, column, *columns, condition=f"{column} IS NOT NULL")


def not_negative(*columns: str) -> tuple[CheckConstraint, ...]:
    """Each column is zero or more."""
    return tuple(CheckConstraint(f"{column} >= 0", name=f"{column}_not_negative") for column in columns)
