"""The table of swaps: which server took over from which, and every assignment that went over."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Versioned
from tradepost.database.types import JsonColumn


class ServerSwap(HubBase, Versioned):
    """One switch from a server to another. `moved` is [assignment, old tool entry, new tool entry] of each assignment
    that went over, `key_scopes` [key, scope] of what narrowed keys got with it. The servers may be gone by now: the row
    is the history of both."""

    __tablename__ = "server_swaps"
    old_server_id: Mapped[str]
    new_server_id: Mapped[str]
    moved: Mapped[list[list[str]]] = mapped_column(JsonColumn)
    key_scopes: Mapped[list[list[str]]] = mapped_column(JsonColumn, default=list, server_default="[]")
    mark: Mapped[str]
    made_by: Mapped[str]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None]
    __table_args__ = (Index("ix_server_swaps_servers", "workspace_id", "old_server_id", "new_server_id"),)
