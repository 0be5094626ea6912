"""Tables of what the vault keeps sealed: header values, keys that sign, other secrets, and pieces of long results; and
of what is known of the keys that seal them, which are kept elsewhere."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Versioned
from tradepost.database.types import JsonColumn

INSTALLATION = "installation"  # the scope of rows that belong to no workspace: the keys are everybody's
SIGNING_PLACE = "assertion_keys"
PIECES_PLACE = "sealed_pieces"


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

    @property
    def place(self) -> tuple[str, str, str]:
        """Where it belongs: it opens nowhere else."""
        return self.workspace_id, self.server_id, self.name


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

    @property
    def place(self) -> tuple[str, str, str]:
        """Where it belongs: it opens nowhere else."""
        return self.workspace_id, SIGNING_PLACE, self.id


class SealedValue(HubBase, Versioned):
    """A secret of ours that belongs to a row of another table, for example a person's authenticator: sealed as a header
    is, with the owner's id in the server's place."""

    __tablename__ = "sealed_values"
    owner_id: Mapped[str]
    name: Mapped[str]
    key_version: Mapped[int]
    ciphertext: Mapped[str]
    __table_args__ = (Index("uq_sealed_values_name", "workspace_id", "owner_id", "name", unique=True),)

    @property
    def place(self) -> tuple[str, str, str]:
        """Where it belongs: it opens nowhere else."""
        return self.workspace_id, self.owner_id, self.name


class SealedPiece(HubBase, Versioned):
    """One piece of what was left of a result that was too long for its tool; its id is the handle that fetches it.
    `principal_kind`, `principal_id` and `holder` (a digest of all else that bound the caller) say for whom it is,
    `scopes` what whoever fetches it must still have, `tool_entry_id` which tool they must still see. `about` says where
    it stands among the others. `of_write`: it lasts as long as the outcome of the write, which is replayed with it."""

    __tablename__ = "sealed_pieces"
    principal_kind: Mapped[str]
    principal_id: Mapped[str]
    holder: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(JsonColumn)
    tool_entry_id: Mapped[str]
    about: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    of_write: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime]
    key_version: Mapped[int]
    ciphertext: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index("ix_sealed_pieces_expires", "workspace_id", "expires_at"),
        Index("ix_sealed_pieces_principal", "workspace_id", "principal_id", "of_write", "id"),
    )

    @property
    def place(self) -> tuple[str, str, str]:
        """Where it belongs: it opens nowhere else."""
        return self.workspace_id, PIECES_PLACE, self.id


class VaultKey(HubBase, Versioned):
    """What is known of one version of the key ring: never the key. `fingerprint` tells whether a ring has the right
    one. `waiting` until every process has it, then `sealing` (one of them all), then `opening` what is still sealed
    with it or was handed out, at last `retired`. `replaced_at` is when all was sealed with the next one. In the scope
    INSTALLATION."""

    __tablename__ = "vault_keys"
    number: Mapped[int]
    fingerprint: Mapped[str]
    state: Mapped[str]
    replaced_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("state IN ('waiting', 'sealing', 'opening', 'retired')", name="state"),)


class VaultHolder(HubBase, Versioned):
    """A process that serves: which versions it has, which of them it seals with, and when it last said so. In the
    scope INSTALLATION."""

    __tablename__ = "vault_holders"
    name: Mapped[str]
    numbers: Mapped[list[int]] = mapped_column(JsonColumn)
    sealing: Mapped[int]
    seen_at: Mapped[datetime]


# Every table with something sealed in it.
Sealed = SealedHeader | SealedValue | AssertionKey | SealedPiece
SEALED: tuple[type[Sealed], ...] = (SealedHeader, SealedValue, AssertionKey, SealedPiece)
