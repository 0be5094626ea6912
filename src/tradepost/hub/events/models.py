"""Table of the hub's outbox."""

from sqlalchemy import Index

from tradepost.database.base import HubBase
from tradepost.database.outbox import OutboxRow


class HubEvent(HubBase, OutboxRow):
    """What happened in the hub: "action:approved", "registry:changed"."""

    __tablename__ = "hub_outbox"
    __table_args__ = (Index("uq_hub_outbox_sequence", "sequence", unique=True),)
