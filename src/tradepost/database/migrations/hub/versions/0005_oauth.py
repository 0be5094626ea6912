"""the authorization server: clients, requests, approvals, grants, codes, tokens

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('oauth_assertions',
    sa.Column('expires_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_oauth_assertions'))
    )
    op.create_index('ix_oauth_assertions_expiry', 'oauth_assertions', ['workspace_id', 'expires_at'], unique=False)
    op.create_table('oauth_requests',
    sa.Column('session_id', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('client_id', sa.String(), nullable=False),
    sa.Column('client_name', sa.String(), nullable=False),
    sa.Column('redirects_digest', sa.String(), nullable=False),
    sa.Column('redirect_uri', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=True),
    sa.Column('challenge', sa.String(), nullable=False),
    sa.Column('resource', sa.String(), nullable=False),
    sa.Column('asked', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('expires_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'user_id'], ['users.workspace_id', 'users.id'], name=op.f('fk_oauth_requests_workspace_id_user_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_oauth_requests'))
    )
    op.create_index('ix_oauth_requests_expiry', 'oauth_requests', ['expires_at'], unique=False)
    op.create_table('oauth_approvals',
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('client_id', sa.String(), nullable=False),
    sa.Column('resource', sa.String(), nullable=False),
    sa.Column('redirects_digest', sa.String(), nullable=False),
    sa.Column('agent_id', sa.String(), nullable=False),
    sa.Column('asked', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('scopes', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'agent_id'], ['agents.workspace_id', 'agents.id'], name=op.f('fk_oauth_approvals_workspace_id_agent_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'user_id'], ['users.workspace_id', 'users.id'], name=op.f('fk_oauth_approvals_workspace_id_user_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_oauth_approvals'))
    )
    op.create_index('uq_oauth_approvals_client', 'oauth_approvals', ['workspace_id', 'user_id', 'client_id', 'resource'], unique=True)
    op.create_table('oauth_clients',
    sa.Column('client_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('redirect_uris', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('secret_digest', sa.String(), nullable=True),
    sa.Column('jwks', types.JsonColumn(none_as_null=True), nullable=True),
    sa.Column('agent_id', sa.String(), nullable=True),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("status IN ('active', 'disabled')", name=op.f('ck_oauth_clients_status')),
    sa.ForeignKeyConstraint(['workspace_id', 'agent_id'], ['agents.workspace_id', 'agents.id'], name=op.f('fk_oauth_clients_workspace_id_agent_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_oauth_clients'))
    )
    op.create_index('uq_oauth_clients_client', 'oauth_clients', ['client_id'], unique=True)
    op.create_table('oauth_grants',
    sa.Column('client_id', sa.String(), nullable=False),
    sa.Column('client_name', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=True),
    sa.Column('agent_id', sa.String(), nullable=False),
    sa.Column('scopes', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('resource', sa.String(), nullable=False),
    sa.Column('revoked_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'agent_id'], ['agents.workspace_id', 'agents.id'], name=op.f('fk_oauth_grants_workspace_id_agent_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'user_id'], ['users.workspace_id', 'users.id'], name=op.f('fk_oauth_grants_workspace_id_user_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_oauth_grants'))
    )
    op.create_index('ix_oauth_grants_client', 'oauth_grants', ['workspace_id', 'client_id'], unique=False)
    op.create_table('oauth_codes',
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('grant_id', sa.String(), nullable=False),
    sa.Column('client_id', sa.String(), nullable=False),
    sa.Column('redirect_uri', sa.String(), nullable=False),
    sa.Column('challenge', sa.String(), nullable=False),
    sa.Column('expires_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('used_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'grant_id'], ['oauth_grants.workspace_id', 'oauth_grants.id'], name=op.f('fk_oauth_codes_workspace_id_grant_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_oauth_codes'))
    )
    op.create_index('ix_oauth_codes_expiry', 'oauth_codes', ['workspace_id', 'expires_at'], unique=False)
    op.create_index('uq_oauth_codes_digest', 'oauth_codes', ['digest'], unique=True)
    op.create_table('oauth_tokens',
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('grant_id', sa.String(), nullable=False),
    sa.Column('parent_id', sa.String(), nullable=True),
    sa.Column('scopes', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('issued_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('rotated_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("kind IN ('access', 'refresh')", name=op.f('ck_oauth_tokens_kind')),
    sa.ForeignKeyConstraint(['workspace_id', 'grant_id'], ['oauth_grants.workspace_id', 'oauth_grants.id'], name=op.f('fk_oauth_tokens_workspace_id_grant_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_oauth_tokens'))
    )
    op.create_index('ix_oauth_tokens_grant', 'oauth_tokens', ['workspace_id', 'grant_id', 'expires_at'], unique=False)
    op.create_index('uq_oauth_tokens_digest', 'oauth_tokens', ['digest'], unique=True)
    secure_tables()
