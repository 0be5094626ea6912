"""The table of what runs have read."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped


class RunTaint(HubBase, Scoped):
    """A run was given text that outsiders wrote: lately `what`, by a tool of a server. It counts until `until`.
    `holder` is the agent, or else the principal; `run` is empty for calls that name no run. The id is made of both."""

    __tablename__ = "run_taints"
    holder: Mapped[str]
    run: Mapped[str] = mapped_column(default="")
    server: Mapped[str]
    tool: Mapped[str]
    what: Mapped[str]
    at: Mapped[datetime]
    until: Mapped[datetime]
    __table_args__ = (
        Index("ix_run_taints_holder", "workspace_id", "holder", "until"),
        Index("ix_run_taints_until", "until"),
    )
