"""Columns and constraints that the domains' tables share."""

from typing import Any, get_args

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
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


def not_negative(*columns: str) -> tuple[CheckConstraint, ...]:
    """Each column is zero or more."""
    return tuple(CheckConstraint(f"{column} >= 0", name=f"{column}_not_negative") for column in columns)
