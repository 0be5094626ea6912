"""The outbox: what happened, written in the transaction of the effect, read by whoever must react.

Side effects leave only through it, so a preview, which is rolled back, sends nothing.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import Scoped
from tradepost.database.types import JsonColumn
from tradepost.foundation.clock import system_now

TOUCHED = "touched"


class OutboxRow(Scoped):
    """One event. `type` is `subject:verb` ("order:held"), `subject` the record's id, `subject_version` its version
    after the change. `payload["touched"]`, where there is one, lists the ids of all records whose published view
    changed with it. `sequence` is given by the database (see migrations/security.py); following.py reads by it.
    `relayed_at` is set when all consumers outside have it: reading by it cannot miss a late commit."""

    __mapper_args__: ClassVar[dict[str, Any]] = {"eager_defaults": False}
    sequence: Mapped[int | None] = mapped_column(FetchedValue())
    type: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    subject_version: Mapped[int | None]
    payload: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    actor: Mapped[str]
    request_id: Mapped[str]
    occurred_at: Mapped[datetime] = mapped_column(default=system_now)
    relayed_at: Mapped[datetime | None] = mapped_column(index=True)
