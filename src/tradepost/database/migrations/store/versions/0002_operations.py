"""Operations in depth: reservations, effects outside the store, messages, dispute evidence, parcels of exchanges, store
credit that expires.


Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('customer_messages',
    sa.Column('customer_id', sa.String(), nullable=False),
    sa.Column('order_id', sa.String(), nullable=True),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('template', sa.String(), nullable=True),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('number', sa.String(), nullable=False),
    sa.Column('external_id', sa.String(), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("channel IN ('email', 'sms')", name=op.f('ck_customer_messages_channel')),
    sa.ForeignKeyConstraint(['workspace_id', 'customer_id'], ['customers.workspace_id', 'customers.id'], name=op.f('fk_customer_messages_workspace_id_customer_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'order_id'], ['orders.workspace_id', 'orders.id'], name=op.f('fk_customer_messages_workspace_id_order_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_customer_messages')),
    sa.UniqueConstraint('workspace_id', 'number', name=op.f('uq_customer_messages_workspace_id_number'))
    )
    op.create_index('ix_customer_messages_customer', 'customer_messages', ['workspace_id', 'customer_id', 'created_at'], unique=False)
    op.create_index('ix_customer_messages_order', 'customer_messages', ['workspace_id', 'order_id'], unique=False)
    op.create_index('uq_customer_messages_external_id', 'customer_messages', ['workspace_id', 'external_id'], unique=True)
    op.create_table('effects',
    sa.Column('event_id', sa.String(), nullable=False),
    sa.Column('event_type', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('order_id', sa.String(), nullable=True),
    sa.Column('request', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('attempts', sa.BigInteger(), nullable=False),
    sa.Column('due_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('claimed_until', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('error', sa.String(), nullable=True),
    sa.Column('reference', sa.String(), nullable=True),
    sa.Column('finished_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("kind IN ('email', 'sms', 'buy_label', 'void_label', 'return_label', 'file_claim', 'charge', 'authorize', 'capture', 'void_payment', 'refund', 'dispute_evidence')", name=op.f('ck_effects_kind')),
    sa.CheckConstraint("status IN ('pending', 'sending', 'sent', 'failed')", name=op.f('ck_effects_status')),
    sa.CheckConstraint('attempts >= 0', name=op.f('ck_effects_attempts_not_negative')),
    sa.ForeignKeyConstraint(['workspace_id', 'event_id'], ['store_outbox.workspace_id', 'store_outbox.id'], name=op.f('fk_effects_workspace_id_event_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'order_id'], ['orders.workspace_id', 'orders.id'], name=op.f('fk_effects_workspace_id_order_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_effects'))
    )
    op.create_index('ix_effects_due', 'effects', ['status', 'due_at'], unique=False)
    op.create_index('ix_effects_order', 'effects', ['workspace_id', 'order_id'], unique=False)
    op.create_index('ix_effects_subject', 'effects', ['workspace_id', 'subject'], unique=False)
    op.create_index('uq_effects_event', 'effects', ['workspace_id', 'event_id', 'kind'], unique=True)
    op.create_table('reservations',
    sa.Column('variant_id', sa.String(), nullable=False),
    sa.Column('sku', sa.String(), nullable=False),
    sa.Column('location_id', sa.String(), nullable=False),
    sa.Column('order_id', sa.String(), nullable=True),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('number', sa.String(), nullable=False),
    sa.Column('external_id', sa.String(), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint("status IN ('held', 'released', 'used', 'expired')", name=op.f('ck_reservations_status')),
    sa.CheckConstraint('quantity >= 0', name=op.f('ck_reservations_quantity_not_negative')),
    sa.ForeignKeyConstraint(['workspace_id', 'location_id'], ['locations.workspace_id', 'locations.id'], name=op.f('fk_reservations_workspace_id_location_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'order_id'], ['orders.workspace_id', 'orders.id'], name=op.f('fk_reservations_workspace_id_order_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'variant_id'], ['variants.workspace_id', 'variants.id'], name=op.f('fk_reservations_workspace_id_variant_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_reservations')),
    sa.UniqueConstraint('workspace_id', 'number', name=op.f('uq_reservations_workspace_id_number'))
    )
    op.create_index('ix_reservations_expiry', 'reservations', ['workspace_id', 'status', 'expires_at'], unique=False)
    op.create_index('ix_reservations_order', 'reservations', ['workspace_id', 'order_id'], unique=False)
    op.create_index('ix_reservations_place', 'reservations', ['workspace_id', 'sku', 'location_id', 'status'], unique=False)
    op.create_index('uq_reservations_external_id', 'reservations', ['workspace_id', 'external_id'], unique=True)
    op.create_table('dispute_evidence',
    sa.Column('dispute_id', sa.String(), nullable=False),
    sa.Column('statement', sa.String(), nullable=False),
    sa.Column('media', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('proof', types.JsonColumn(none_as_null=True), nullable=False),
    sa.Column('submitted_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('created_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id', 'dispute_id'], ['disputes.workspace_id', 'disputes.id'], name=op.f('fk_dispute_evidence_workspace_id_dispute_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_dispute_evidence'))
    )
    op.create_index('uq_dispute_evidence_dispute', 'dispute_evidence', ['workspace_id', 'dispute_id'], unique=True)
    op.create_table('exchange_parcels',
    sa.Column('return_id', sa.String(), nullable=False),
    sa.Column('exchange_line_id', sa.String(), nullable=False),
    sa.Column('shipment_id', sa.String(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('workspace_id', sa.String(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_exchange_parcels_quantity_positive')),
    sa.ForeignKeyConstraint(['workspace_id', 'exchange_line_id'], ['exchange_lines.workspace_id', 'exchange_lines.id'], name=op.f('fk_exchange_parcels_workspace_id_exchange_line_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'return_id'], ['returns.workspace_id', 'returns.id'], name=op.f('fk_exchange_parcels_workspace_id_return_id')),
    sa.ForeignKeyConstraint(['workspace_id', 'shipment_id'], ['shipments.workspace_id', 'shipments.id'], name=op.f('fk_exchange_parcels_workspace_id_shipment_id')),
    sa.PrimaryKeyConstraint('workspace_id', 'id', name=op.f('pk_exchange_parcels'))
    )
    op.create_index('ix_exchange_parcels_return', 'exchange_parcels', ['workspace_id', 'return_id'], unique=False)
    op.create_index('ix_exchange_parcels_shipment', 'exchange_parcels', ['workspace_id', 'shipment_id'], unique=False)
    op.add_column('payment_methods', sa.Column('expires_at', types.UtcDateTime(timezone=True), nullable=True))
    op.add_column('payment_methods', sa.Column('reason', sa.String(), nullable=True))
    # What happened before there was a way out is history: nobody wants a mail about it now.
    op.execute("UPDATE store_outbox SET relayed_at = occurred_at WHERE relayed_at IS NULL")
    secure_tables()
