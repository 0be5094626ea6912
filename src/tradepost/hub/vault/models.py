"""Tables of what the vault keeps sealed: header values, keys that sign, and other secrets; and of what is known of the
keys that seal them, which are kept elsewhere."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Versioned
from tradepost.database.types import JsonColumn

INSTALLATION = "installation"  # the scope of rows that belong to no workspace: the keys are everybody's
SIGNING_PLACE = "assertion_keys"


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
Sealed = SealedHeader | SealedValue | AssertionKey
SEALED: tuple[type[Sealed], ...] = (SealedHeader, SealedValue, AssertionKey)
