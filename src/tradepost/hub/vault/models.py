"""Tables of what the vault keeps sealed: header values, keys that sign, and other secrets."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Versioned
from tradepost.database.types import JsonColumn


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


class AssertionKey(HubBase, Versioned):
    """A key that signs what a workspace's servers are told of callers; its id is the `kid`. They are numbered from 1;
    the highest one whose time has come signs, `public` is its JWK as everybody sees it, `ciphertext` the whole JWK,
    sealed like a header."""

    __tablename__ = "assertion_keys"
    number: Mapped[int]
    public: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    signs_from: Mapped[datetime]
    key_version: Mapped[int]
    ciphertext: Mapped[str]
    __table_args__ = (Index("uq_assertion_keys_number", "workspace_id", "number", unique=True),)


class SealedValue(HubBase, Versioned):
    """A secret of ours that belongs to a row of another table, for example a person's authenticator: sealed as a header
    is, with the owner's id in the server's place."""

    __tablename__ = "sealed_values"
    owner_id: Mapped[str]
    name: Mapped[str]
    key_version: Mapped[int]
    ciphertext: Mapped[str]
    __table_args__ = (Index("uq_sealed_values_name", "workspace_id", "owner_id", "name", unique=True),)
