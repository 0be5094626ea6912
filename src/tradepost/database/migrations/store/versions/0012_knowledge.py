"""knowledge: entries in Markdown, their editions, proposals of changes; clauses that are cut from entries, and a full-text
index over them

Revision 0012, after 0011.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import is_postgres, secure_tables
from tradepost.foundation.search_words import indexed

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TOPICS = "'returns', 'shipping', 'warranty', 'payments', 'approvals', 'privacy', 'products', 'general'"
_KINDS, _AUDIENCES = "'policy', 'article'", "'everyone', 'staff'"


def upgrade() -> None:
    _entries()
    _editions()
    _proposals()
    _clauses()
    if not is_postgres():
        _index_on_sqlite()
    secure_tables(append_only=frozenset({"knowledge_editions"}))


def _entries() -> None:
    op.create_table('knowledge_entries',
    sa.Column('slug', sa.String(), nullable=False),
    *_text(),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('audience', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('external_id', sa.String(), nullable=True),
    *_versioned(),
    *_checks('knowledge_entries'),
    sa.CheckConstraint("status IN ('draft', 'published', 'archived')", name=op.f('ck_knowledge_entries_status')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_knowledge_entries'))
    )
    op.create_index('uq_knowledge_entries_slug', 'knowledge_entries', ['workspace_id', 'slug'], unique=True)
    op.create_index('uq_knowledge_entries_external_id', 'knowledge_entries', ['workspace_id', 'external_id'], unique=True)


def _editions() -> None:
    op.create_table('knowledge_editions',
    sa.Column('entry_id', sa.String(), nullable=False),
    sa.Column('edition', sa.BigInteger(), nullable=False),
    sa.Column('topic', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('audience', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('made_by', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('proposal_id', sa.String(), nullable=True),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    _of_entry('knowledge_editions'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_knowledge_editions'))
    )
    op.create_index('uq_knowledge_editions_edition', 'knowledge_editions', ['workspace_id', 'entry_id', 'edition'], unique=True)


def _proposals() -> None:
    op.create_table('knowledge_proposals',
    sa.Column('entry_id', sa.String(), nullable=True),
    sa.Column('based_on', sa.BigInteger(), nullable=True),
    sa.Column('slug', sa.String(), nullable=False),
    *_text(),
    sa.Column('audience', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('proposed_by', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('decided_by', sa.String(), nullable=True),
    sa.Column('decided_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('comment', sa.String(), nullable=False),
    *_versioned(),
    *_checks('knowledge_proposals'),
    sa.CheckConstraint("status IN ('proposed', 'approved', 'rejected')", name=op.f('ck_knowledge_proposals_status')),
    _of_entry('knowledge_proposals'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_knowledge_proposals'))
    )
    op.create_index('ix_knowledge_proposals_status', 'knowledge_proposals', ['workspace_id', 'status', 'created_at', 'id'], unique=False)
    op.create_index('ix_knowledge_proposals_entry', 'knowledge_proposals', ['workspace_id', 'entry_id'], unique=False)


def _clauses() -> None:
    with op.batch_alter_table("policy_clauses") as batch:
        batch.add_column(sa.Column("entry_id", sa.String(), nullable=True))
        batch.add_column(sa.Column("audience", sa.String(), nullable=False, server_default="everyone"))
        batch.add_column(sa.Column("words", types.SearchWords(), nullable=False, server_default=""))
        batch.drop_constraint("ck_policy_clauses_topic", type_="check")
        batch.create_check_constraint(op.f("ck_policy_clauses_topic"), f"topic IN ({_TOPICS})")
        batch.create_check_constraint(op.f("ck_policy_clauses_audience"), f"audience IN ({_AUDIENCES})")
        batch.create_foreign_key(
            op.f("fk_policy_clauses_workspace_id_entry_id"),
            "knowledge_entries",
            ["workspace_id", "entry_id"],
            ["workspace_id", "id"],
        )
    op.create_index("ix_policy_clauses_entry", "policy_clauses", ["workspace_id", "entry_id"], unique=False)
    connection: Any = op.get_bind()
    names = ("workspace_id", "id", "clause", "topic", "title", "body")
    clauses = sa.table("policy_clauses", *(sa.column(name) for name in names), sa.column("words", types.SearchWords()))
    for row in connection.execute(sa.select(*(clauses.c[name] for name in names))).all():
        connection.execute(
            clauses.update()
            .where(clauses.c.workspace_id == row.workspace_id, clauses.c.id == row.id)
            .values(words=indexed(row.title, row.body, row.clause, row.topic))
        )


def _index_on_sqlite() -> None:
    """A full-text table with the words, kept by triggers; by key, since rows have no number of their own that stays."""
    op.execute(
        "CREATE VIRTUAL TABLE policy_clauses_fts USING fts5(workspace_id UNINDEXED, id UNINDEXED, words,"
        " tokenize = 'unicode61 remove_diacritics 0')"
    )
    op.execute("INSERT INTO policy_clauses_fts SELECT workspace_id, id, words FROM policy_clauses")
    gone = "DELETE FROM policy_clauses_fts WHERE workspace_id = OLD.workspace_id AND id = OLD.id;"
    new = "INSERT INTO policy_clauses_fts VALUES (NEW.workspace_id, NEW.id, NEW.words);"
    for verb, deed in (("INSERT", new), ("UPDATE OF words", f"{gone} {new}"), ("DELETE", gone)):
        name = verb.split(" ")[0].lower()
        op.execute(f"CREATE TRIGGER policy_clauses_fts_{name} AFTER {verb} ON policy_clauses BEGIN {deed} END")


def _text() -> list[Any]:
    return [sa.Column(name, sa.String(), nullable=False) for name in ("kind", "topic", "title", "body")]


def _versioned() -> list[Any]:
    return [
        sa.Column('version', sa.BigInteger(), nullable=False),
        sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
        sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
        sa.Column('workspace_id', sa.String(), nullable=False),
        sa.Column('id', sa.String(), nullable=False),
    ]


def _checks(table: str) -> list[Any]:
    allowed = {"kind": _KINDS, "topic": _TOPICS, "audience": _AUDIENCES}
    return [sa.CheckConstraint(f"{name} IN ({values})", name=op.f(f"ck_{table}_{name}")) for name, values in allowed.items()]


def _of_entry(table: str) -> Any:
    return sa.ForeignKeyConstraint(['workspace_id', 'entry_id'], ['knowledge_entries.workspace_id', 'knowledge_entries.id'], name=op.f(f'fk_{table}_workspace_id_entry_id'))
