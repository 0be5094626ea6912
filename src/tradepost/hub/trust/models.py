"""The tables of what runs have read, and of what it looked like."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped


class RunTaint(HubBase, Scoped):
    """A run was given text that outsiders wrote, or words of the shop: lately `what`, by a tool of a server. It counts
    until `until`. `holder` is the agent, or else the principal; `run` is empty for calls that name no run; `source` is
    where the words are from (trust/taint). The id is made of the three."""

    __tablename__ = "run_taints"
    holder: Mapped[str]
    run: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="", server_default="")
    server: Mapped[str]
    tool: Mapped[str]
    what: Mapped[str]
    at: Mapped[datetime]
    until: Mapped[datetime]
    __table_args__ = (
        Index("ix_run_taints_holder", "workspace_id", "holder", "until"),
        Index("ix_run_taints_until", "until"),
    )


class RunSignal(HubBase, Scoped):
    """The detector has found a kind of sign in what a run was given, lately by a tool of a server. No text is kept.
    `holder`, `run` and `until` as above; the id is made of holder, run and kind."""

    __tablename__ = "run_signals"
    holder: Mapped[str]
    run: Mapped[str] = mapped_column(default="")
    kind: Mapped[str]
    level: Mapped[str]
    server: Mapped[str]
    tool: Mapped[str]
    at: Mapped[datetime]
    until: Mapped[datetime]
    __table_args__ = (
        Index("ix_run_signals_holder", "workspace_id", "holder", "until"),
        Index("ix_run_signals_until", "until"),
    )
