"""Table of sealed header values."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Versioned


class SealedHeader(HubBase, Versioned):
    """One header sent to a server. `ciphertext` is AES-256-GCM with workspace, server, name and key version as
    associated data; a header that is not hidden is shown, a hidden one never again."""

    __tablename__ = "sealed_headers"
    server_id: Mapped[str]
    name: Mapped[str]
    hidden: Mapped[bool] = mapped_column(default=True)
    key_version: Mapped[int]
    ciphertext: Mapped[str]
    __table_args__ = (Index("uq_sealed_headers_name", "workspace_id", "server_id", "name", unique=True),)
