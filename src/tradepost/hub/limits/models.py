"""Tables of limits: what was set for a workspace and its agents, and how much of each window is taken."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped, Versioned
from tradepost.database.types import JsonColumn

WORKSPACE = "workspace"  # the id of the row that holds for a whole workspace
INSTALLATION = "installation"  # the scope of rows that belong to no workspace: all are served by the same processes


class LimitSettings(HubBase, Versioned):
    """What somebody set of limits.quotas: for the workspace (the row's id is "workspace") or for one agent (the row's
    id is the agent's). `settings` is {name: value}."""

    __tablename__ = "limit_settings"
    settings: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)


class RateWindow(HubBase, Scoped):
    """A window of one limit, written by database.windows alone. The row's id says what is counted for whom; what is
    counted before anybody is authenticated belongs to the workspace "*". `taken` is what all processes have taken of
    it; `given` what the last one got that asked, `capacity`, `wanted`, `least` and `known_ms` what it asked for. Times
    are milliseconds since 1970."""

    __tablename__ = "rate_windows"
    started_ms: Mapped[int]
    ends_ms: Mapped[int]
    capacity: Mapped[int]
    wanted: Mapped[int]
    least: Mapped[int]
    known_ms: Mapped[int]
    given: Mapped[int]
    taken: Mapped[int]
    __table_args__ = (Index("ix_rate_windows_ends_ms", "ends_ms"),)


class ServingProcess(HubBase, Scoped):
    """A process that serves: where it runs, and when it last said so by the database's clock. In the scope
    INSTALLATION."""

    __tablename__ = "serving_processes"
    name: Mapped[str]
    seen_at: Mapped[datetime]


class LeasedSlot(HubBase, Scoped):
    """One of the slots of a key (limits.in_flight), taken until `ends_at` by the database's clock unless whoever has it
    renews it. In the scope INSTALLATION."""

    __tablename__ = "leased_slots"
    key: Mapped[str]
    ends_at: Mapped[datetime]
    __table_args__ = (Index("ix_leased_slots_key", "key"),)
