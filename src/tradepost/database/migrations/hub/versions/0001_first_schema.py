"""the first schema

Revision 0001, after .
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import make_sequence, secure_tables

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('actions',
    sa.Column('principal_kind', sa.String(), nullable=False),
    sa.Column('principal_id', sa.String(), nullable=False),
    sa.Column('agent_id', sa.String(), nullable=True),
    sa.Column('profile_id', sa.String(), nullable=True),
    sa.Column('user_id', sa.String(), nullable=True),
    sa.Column('caller', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('tool_entry_id', sa.String(), nullable=False),
    sa.Column('server_id', sa.String(), nullable=False),
    sa.Column('server_slug', sa.String(), nullable=False),
    sa.Column('tool_class', sa.String(), nullable=False),
    sa.Column('tool_name', sa.String(), nullable=False),
    sa.Column('exposed_name', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('arguments', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.String(), nullable=False),
    sa.Column('definition_digest', sa.String(), nullable=False),
    sa.Column('server_url', sa.String(), nullable=True),
    sa.Column('credential_version', sa.BigInteger(), nullable=False),
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('run_id', sa.String(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('decision', sa.String(), nullable=False),
    sa.Column('decision_reason', sa.String(), nullable=False),
    sa.Column('preview', types.JsonColumn(none_as_null=True), nullable=True),
    sa.Column('approvals_needed', sa.BigInteger(), nullable=False),
    sa.Column('round', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('lease_owner', sa.String(), nullable=True),
    sa.Column('lease_until', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('fence', sa.BigInteger(), nullable=False),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('error_code', sa.String(), nullable=True),
    sa.Column('decided_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('started_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('finished_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("state IN ('pending', 'approved', 'executing', 'succeeded', 'failed', 'unknown', 'rejected', 'expired', 'canceled')", name=op.f('ck_actions_state')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_actions'))
    )
    op.create_index('ix_actions_due', 'actions', ['state', 'lease_until'], unique=False)
    op.create_index('ix_actions_state', 'actions', ['workspace_id', 'state', 'created_at'], unique=False)
    op.create_index('uq_actions_key', 'actions', ['workspace_id', 'principal_id', 'tool_entry_id', 'key'], unique=True)
    op.create_table('audit_events',
    sa.Column('sequence', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('occurred_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('tag', sa.String(), nullable=False),
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('run_id', sa.String(), nullable=True),
    sa.Column('principal_kind', sa.String(), nullable=False),
    sa.Column('principal_id', sa.String(), nullable=False),
    sa.Column('agent_id', sa.String(), nullable=True),
    sa.Column('user_id', sa.String(), nullable=True),
    sa.Column('server', sa.String(), nullable=True),
    sa.Column('tool', sa.String(), nullable=True),
    sa.Column('action_id', sa.String(), nullable=True),
    sa.Column('arguments_digest', sa.String(), nullable=True),
    sa.Column('definition_digest', sa.String(), nullable=True),
    sa.Column('decision', sa.String(), nullable=True),
    sa.Column('approver_id', sa.String(), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('error_code', sa.String(), nullable=True),
    sa.Column('duration_us', sa.BigInteger(), nullable=True),
    sa.Column('details', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_audit_events'))
    )
    op.create_index('ix_audit_events_action', 'audit_events', ['workspace_id', 'action_id'], unique=False)
    op.create_index('ix_audit_events_request', 'audit_events', ['workspace_id', 'request_id'], unique=False)
    op.create_index('ix_audit_events_time', 'audit_events', ['workspace_id', 'occurred_at'], unique=False)
    op.create_index('uq_audit_events_sequence', 'audit_events', ['sequence'], unique=True)
    op.create_table('audit_links',
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('row_hash', sa.String(), nullable=False),
    sa.Column('chain_hash', sa.String(), nullable=False),
    sa.Column('sealed_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_audit_links'))
    )
    op.create_index('uq_audit_links_position', 'audit_links', ['workspace_id', 'position'], unique=True)
    op.create_table('hub_outbox',
    sa.Column('sequence', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('type', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('subject_version', sa.BigInteger(), nullable=True),
    sa.Column('payload', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('occurred_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('relayed_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_hub_outbox'))
    )
    op.create_index(op.f('ix_hub_outbox_relayed_at'), 'hub_outbox', ['relayed_at'], unique=False)
    op.create_index(op.f('ix_hub_outbox_subject'), 'hub_outbox', ['subject'], unique=False)
    op.create_index('uq_hub_outbox_sequence', 'hub_outbox', ['sequence'], unique=True)
    op.create_table('profiles',
    sa.Column('slug', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('posture', sa.String(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("posture IN ('propose', 'guarded', 'customer')", name=op.f('ck_profiles_posture')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_profiles'))
    )
    op.create_index('uq_profiles_slug', 'profiles', ['workspace_id', 'slug'], unique=True)
    op.create_table('registry_versions',
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_registry_versions'))
    )
    op.create_table('sealed_headers',
    sa.Column('server_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('hidden', sa.Boolean(), nullable=False),
    sa.Column('key_version', sa.BigInteger(), nullable=False),
    sa.Column('ciphertext', sa.String(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_sealed_headers'))
    )
    op.create_index('uq_sealed_headers_name', 'sealed_headers', ['workspace_id', 'server_id', 'name'], unique=True)
    op.create_table('servers',
    sa.Column('slug', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('builtin_key', sa.String(), nullable=True),
    sa.Column('url', sa.String(), nullable=True),
    sa.Column('owner_id', sa.String(), nullable=True),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('credential_version', sa.BigInteger(), nullable=False),
    sa.Column('instructions', sa.Text(), nullable=False),
    sa.Column('identity', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('tested_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.String(), nullable=True),
    sa.Column('timeout_seconds', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("kind IN ('builtin', 'remote')", name=op.f('ck_servers_kind')),
    sa.CheckConstraint("status IN ('registered', 'ready', 'failing', 'disabled')", name=op.f('ck_servers_status')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_servers'))
    )
    op.create_index('uq_servers_slug', 'servers', ['workspace_id', 'slug'], unique=True)
    op.create_table('users',
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('password_hash', sa.String(), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("role IN ('owner', 'admin', 'operator', 'viewer')", name=op.f('ck_users_role')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_users'))
    )
    op.create_index('uq_users_email', 'users', ['workspace_id', 'email'], unique=True)
    op.create_table('workspaces',
    sa.Column('slug', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint('workspace_id = id', name=op.f('ck_workspaces_own_scope')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_workspaces'))
    )
    op.create_index('uq_workspaces_slug', 'workspaces', ['slug'], unique=True)
    op.create_table('action_verdicts',
    sa.Column('action_id', sa.String(), nullable=False),
    sa.Column('round', sa.BigInteger(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('verdict', sa.String(), nullable=False),
    sa.Column('comment', sa.String(), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("verdict IN ('approve', 'reject')", name=op.f('ck_action_verdicts_verdict')),
    sa.ForeignKeyConstraint(['workspace_id', 'action_id'], ['actions.workspace_id', 'actions.id'], name=op.f('fk_action_verdicts_workspace_id_action_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'user_id'], ['users.workspace_id', 'users.id'], name=op.f('fk_action_verdicts_workspace_id_user_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_action_verdicts'))
    )
    op.create_index('uq_action_verdicts', 'action_verdicts', ['workspace_id', 'action_id', 'round', 'user_id'], unique=True)
    op.create_table('agents',
    sa.Column('profile_id', sa.String(), nullable=False),
    sa.Column('slug', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('description', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('scopes', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("status IN ('active', 'disabled')", name=op.f('ck_agents_status')),
    sa.ForeignKeyConstraint(['workspace_id', 'profile_id'], ['profiles.workspace_id', 'profiles.id'], name=op.f('fk_agents_workspace_id_profile_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_agents'))
    )
    op.create_index('uq_agents_slug', 'agents', ['workspace_id', 'slug'], unique=True)
    op.create_table('prompt_entries',
    sa.Column('server_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('definition', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('scope', sa.String(), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'server_id'], ['servers.workspace_id', 'servers.id'], name=op.f('fk_prompt_entries_workspace_id_server_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_prompt_entries'))
    )
    op.create_index('uq_prompt_entries_name', 'prompt_entries', ['workspace_id', 'server_id', 'name'], unique=True)
    op.create_table('resource_entries',
    sa.Column('server_id', sa.String(), nullable=False),
    sa.Column('uri', sa.String(), nullable=False),
    sa.Column('is_template', sa.Boolean(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('definition', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('scope', sa.String(), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'server_id'], ['servers.workspace_id', 'servers.id'], name=op.f('fk_resource_entries_workspace_id_server_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_resource_entries'))
    )
    op.create_index('uq_resource_entries_uri', 'resource_entries', ['workspace_id', 'server_id', 'uri'], unique=True)
    op.create_table('tool_entries',
    sa.Column('server_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('definition', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('candidate', sa.Text(), nullable=True),
    sa.Column('candidate_digest', sa.String(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('tool_class', sa.String(), nullable=False),
    sa.Column('moves_money', sa.Boolean(), nullable=False),
    sa.Column('scope', sa.String(), nullable=True),
    sa.Column('approved_by', sa.String(), nullable=True),
    sa.Column('approved_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("state IN ('unapproved', 'enabled', 'disabled', 'removed', 'quarantined')", name=op.f('ck_tool_entries_state')),
    sa.CheckConstraint("tool_class IN ('read', 'write', 'destructive')", name=op.f('ck_tool_entries_tool_class')),
    sa.ForeignKeyConstraint(['workspace_id', 'server_id'], ['servers.workspace_id', 'servers.id'], name=op.f('fk_tool_entries_workspace_id_server_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_tool_entries'))
    )
    op.create_index('uq_tool_entries_name', 'tool_entries', ['workspace_id', 'server_id', 'name'], unique=True)
    op.create_table('api_keys',
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('prefix', sa.String(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('label', sa.String(), nullable=False),
    sa.Column('agent_id', sa.String(), nullable=True),
    sa.Column('user_id', sa.String(), nullable=True),
    sa.Column('scopes', types.JsonColumn(none_as_null=True), nullable=True),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.Column('expires_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("kind IN ('agent_key', 'api_key')", name=op.f('ck_api_keys_kind')),
    sa.ForeignKeyConstraint(['workspace_id', 'agent_id'], ['agents.workspace_id', 'agents.id'], name=op.f('fk_api_keys_workspace_id_agent_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'user_id'], ['users.workspace_id', 'users.id'], name=op.f('fk_api_keys_workspace_id_user_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_api_keys'))
    )
    op.create_index('uq_api_keys_prefix', 'api_keys', ['prefix'], unique=True)
    op.create_table('assignments',
    sa.Column('tool_entry_id', sa.String(), nullable=False),
    sa.Column('profile_id', sa.String(), nullable=True),
    sa.Column('agent_id', sa.String(), nullable=True),
    sa.Column('exposed_name', sa.String(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint('(profile_id IS NULL) <> (agent_id IS NULL)', name=op.f('ck_assignments_one_scope')),
    sa.ForeignKeyConstraint(['workspace_id', 'agent_id'], ['agents.workspace_id', 'agents.id'], name=op.f('fk_assignments_workspace_id_agent_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'profile_id'], ['profiles.workspace_id', 'profiles.id'], name=op.f('fk_assignments_workspace_id_profile_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'tool_entry_id'], ['tool_entries.workspace_id', 'tool_entries.id'], name=op.f('fk_assignments_workspace_id_tool_entry_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_assignments'))
    )
    op.create_index('uq_assignments_agent', 'assignments', ['workspace_id', 'agent_id', 'exposed_name'], unique=True)
    op.create_index('uq_assignments_profile', 'assignments', ['workspace_id', 'profile_id', 'exposed_name'], unique=True)
    make_sequence("audit_events")
    make_sequence("hub_outbox")
    secure_tables(append_only=frozenset({"action_verdicts", "audit_events", "audit_links"}))
