"""Tables of how people get in: sessions, one-time links, second factors, identities elsewhere, sign-ins under way."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

# Until a person is known nobody can say which workspace they belong to: those rows have a scope of their own.
BEFORE_SIGN_IN = "sign-in"


class PersonSession(HubBase, Versioned):
    """A browser in which a person has signed in. The cookie's value has 256 random bits and only its hash is here."""

    __tablename__ = "person_sessions"
    user_id: Mapped[str]
    digest: Mapped[str]
    second_factor: Mapped[bool] = mapped_column(default=False)
    browser: Mapped[str] = mapped_column(default="")
    signed_in_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("user_id", "users"),
        Index("uq_person_sessions_digest", "digest", unique=True),
        Index("ix_person_sessions_user", "workspace_id", "user_id"),
    )


class PersonLink(HubBase, Versioned):
    """A one-time link: an invitation for somebody who is no user yet, or a welcome for a user to set a password."""

    __tablename__ = "person_links"
    kind: Mapped[str]
    digest: Mapped[str]
    email: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    role: Mapped[str | None]
    user_id: Mapped[str | None]
    made_by: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("user_id", "users"),
        CheckConstraint("kind IN ('invitation', 'welcome')", name="kind"),
        CheckConstraint("(kind = 'welcome') = (user_id IS NOT NULL)", name="whose"),
        Index("uq_person_links_digest", "digest", unique=True),
        Index("ix_person_links_email", "email"),
    )


class SecondFactor(HubBase, Versioned):
    """A person's authenticator. Its secret is in the vault; `last_step` is the half minute of the last code accepted,
    so that none is accepted twice. It counts once it is confirmed."""

    __tablename__ = "second_factors"
    user_id: Mapped[str]
    last_step: Mapped[int] = mapped_column(default=0)
    confirmed_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("user_id", "users"),
        Index("uq_second_factors_user", "workspace_id", "user_id", unique=True),
    )


class RecoveryCode(HubBase, Scoped):
    """One of the codes for the day the authenticator is lost, kept as a hash until it is used."""

    __tablename__ = "recovery_codes"
    user_id: Mapped[str]
    digest: Mapped[str]
    __table_args__ = (
        scoped_reference("user_id", "users"),
        Index("uq_recovery_codes_digest", "workspace_id", "user_id", "digest", unique=True),
    )


class LinkedIdentity(HubBase, Scoped):
    """The person at an identity provider who is a user here: issuer and subject, which do not change as names do."""

    __tablename__ = "linked_identities"
    user_id: Mapped[str]
    issuer: Mapped[str]
    subject: Mapped[str]
    linked_at: Mapped[datetime]
    __table_args__ = (
        scoped_reference("user_id", "users"),
        Index("uq_linked_identities_subject", "workspace_id", "issuer", "subject", unique=True),
        Index("uq_linked_identities_user", "workspace_id", "user_id", "issuer", unique=True),
    )


class SignInStep(HubBase, Scoped):
    """A sign-in that waits for its next step in one browser: a workspace to choose, a code, an answer of the identity
    provider. `facts` hold no secret. In the scope BEFORE_SIGN_IN."""

    __tablename__ = "sign_in_steps"
    kind: Mapped[str]
    digest: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    expires_at: Mapped[datetime]
    __table_args__ = (
        Index("uq_sign_in_steps_digest", "digest", unique=True),
        Index("ix_sign_in_steps_expires", "expires_at"),
    )


class SignInBucket(HubBase, Scoped):
    """How many attempts somebody has left; its id is a hash of whom it counts. The bucket is empty again at
    `emptied_at`; attempts from a place that is known until `known_until` are the person's own. In the scope
    BEFORE_SIGN_IN."""

    __tablename__ = "sign_in_buckets"
    emptied_at: Mapped[datetime]
    known_until: Mapped[datetime | None]
    __table_args__ = (Index("ix_sign_in_buckets_emptied", "emptied_at"),)


class ProfileRole(HubBase, Versioned):
    """A role that a person has in one profile, beside the one in the workspace. The higher one counts there."""

    __tablename__ = "profile_roles"
    user_id: Mapped[str]
    profile_id: Mapped[str]
    role: Mapped[str]
    __table_args__ = (
        scoped_reference("user_id", "users"),
        scoped_reference("profile_id", "profiles"),
        CheckConstraint("role IN ('admin', 'operator', 'viewer')", name="role"),
        Index("uq_profile_roles_user", "workspace_id", "user_id", "profile_id", unique=True),
    )
