"""What every table has: workspace and id as the key, a version where rows change. Two metadatas, hub and store."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKeyConstraint, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from tradepost.database.types import UtcDateTime
from tradepost.foundation.clock import system_now

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

_TYPES: dict[Any, Any] = {int: BigInteger, str: String, datetime: UtcDateTime}


class HubBase(DeclarativeBase):
    """Tables of the hub: registry, actions, access, audit."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES


class StoreBase(DeclarativeBase):
    """Tables of the shop."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES


class Scoped:
    """A row of exactly one workspace. The session fills in and checks `workspace_id`; queries are limited to it."""

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)


class Versioned(Scoped):
    """A row that changes: its version counts up with every update and guards against lost ones."""

    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=system_now)
    updated_at: Mapped[datetime] = mapped_column(default=system_now, onupdate=system_now)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


def scoped_reference(column: str, target_table: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """A foreign key that cannot leave the workspace: (workspace_id, column) -> target (workspace_id, id)."""
    return ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{target_table}.workspace_id", f"{target_table}.id"],
        ondelete=ondelete,
    )
