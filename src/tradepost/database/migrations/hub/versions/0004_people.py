"""how people get in: sessions, one-time links, second factors, identities elsewhere; attributes and roles of people

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _keys(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f(f"pk_{table}")),
    ]


def _versioned() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
    ]


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, types.UtcDateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _user(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_workspace_id_user_id")
    return sa.ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"], name=name)


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("second_factor", sa.String(), nullable=False, server_default="optional"))
    kind = types.JsonColumn(none_as_null=True)
    op.add_column("users", sa.Column("attributes", kind, nullable=False, server_default="{}"))
    op.create_table(
        "person_sessions",
        _text("user_id"),
        _text("digest"),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        _text("browser"),
        _moment("signed_in_at"),
        _moment("last_seen_at"),
        _moment("expires_at"),
        _moment("ended_at", nullable=True),
        *_versioned(),
        *_keys("person_sessions"),
        _user("person_sessions"),
    )
    op.create_index("uq_person_sessions_digest", "person_sessions", ["digest"], unique=True)
    op.create_index("ix_person_sessions_user", "person_sessions", ["workspace_id", "user_id"])
    op.create_table(
        "person_links",
        _text("kind"),
        _text("digest"),
        _text("email"),
        _text("name"),
        _text("role", nullable=True),
        _text("user_id", nullable=True),
        _text("made_by"),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        _moment("revoked_at", nullable=True),
        *_versioned(),
        *_keys("person_links"),
        _user("person_links"),
        sa.CheckConstraint("kind IN ('invitation', 'welcome')", name=op.f("ck_person_links_kind")),
        sa.CheckConstraint("(kind = 'welcome') = (user_id IS NOT NULL)", name=op.f("ck_person_links_whose")),
    )
    op.create_index("uq_person_links_digest", "person_links", ["digest"], unique=True)
    op.create_index("ix_person_links_email", "person_links", ["email"])
    op.create_table(
        "second_factors",
        _text("user_id"),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        _moment("confirmed_at", nullable=True),
        *_versioned(),
        *_keys("second_factors"),
        _user("second_factors"),
    )
    op.create_index("uq_second_factors_user", "second_factors", ["workspace_id", "user_id"], unique=True)
    op.create_table(
        "recovery_codes", _text("user_id"), _text("digest"), *_keys("recovery_codes"), _user("recovery_codes")
    )
    digest = ["workspace_id", "user_id", "digest"]
    op.create_index("uq_recovery_codes_digest", "recovery_codes", digest, unique=True)
    op.create_table(
        "linked_identities",
        _text("user_id"),
        _text("issuer"),
        _text("subject"),
        _moment("linked_at"),
        *_keys("linked_identities"),
        _user("linked_identities"),
    )
    subject = ["workspace_id", "issuer", "subject"]
    op.create_index("uq_linked_identities_subject", "linked_identities", subject, unique=True)
    holder = ["workspace_id", "user_id", "issuer"]
    op.create_index("uq_linked_identities_user", "linked_identities", holder, unique=True)
    op.create_table(
        "sign_in_steps",
        _text("kind"),
        _text("digest"),
        sa.Column("facts", kind, nullable=False),
        _moment("expires_at"),
        *_keys("sign_in_steps"),
    )
    op.create_index("uq_sign_in_steps_digest", "sign_in_steps", ["digest"], unique=True)
    op.create_index("ix_sign_in_steps_expires", "sign_in_steps", ["expires_at"])
    op.create_table(
        "sign_in_buckets", _moment("emptied_at"), _moment("known_until", nullable=True), *_keys("sign_in_buckets")
    )
    op.create_index("ix_sign_in_buckets_emptied", "sign_in_buckets", ["emptied_at"])
    op.create_table(
        "profile_roles",
        _text("user_id"),
        _text("profile_id"),
        _text("role"),
        *_versioned(),
        *_keys("profile_roles"),
        _user("profile_roles"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "profile_id"],
            ["profiles.workspace_id", "profiles.id"],
            name=op.f("fk_profile_roles_workspace_id_profile_id"),
        ),
        sa.CheckConstraint("role IN ('admin', 'operator', 'viewer')", name=op.f("ck_profile_roles_role")),
    )
    member = ["workspace_id", "user_id", "profile_id"]
    op.create_index("uq_profile_roles_user", "profile_roles", member, unique=True)
    op.create_table(
        "sealed_values",
        _text("owner_id"),
        _text("name"),
        sa.Column("key_version", sa.BigInteger(), nullable=False),
        _text("ciphertext"),
        *_versioned(),
        *_keys("sealed_values"),
    )
    op.create_index("uq_sealed_values_name", "sealed_values", ["workspace_id", "owner_id", "name"], unique=True)
    secure_tables()
