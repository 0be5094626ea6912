"""customers by a part of their e-mail address: its domain, and the name before it turned around

Revision 0009, after 0008.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KEYS = ("email_domain", "email_turned")


def upgrade() -> None:
    connection: Any = op.get_bind()
    key = sa.String(collation="C") if connection.dialect.name == "postgresql" else sa.String()
    for name in _KEYS:
        op.add_column("customers", sa.Column(name, key, nullable=False, server_default=""))
    if connection.dialect.name == "sqlite":
        connection.connection.driver_connection.create_function("address_key", 2, _key, deterministic=True)
        domain, turned = "address_key(email_folded, 'email_domain')", "address_key(email_folded, 'email_turned')"
    else:
        domain = "substring(email_folded from '[^@]*$')"
        turned = f"reverse(left(email_folded, greatest(length(email_folded) - length({domain}) - 1, 0)))"
    op.execute(f"UPDATE customers SET email_domain = {domain}, email_turned = {turned}")
    for name, other in (_KEYS, _KEYS[::-1]):
        op.create_index(f"ix_customers_{name}", "customers", ["workspace_id", name, other, "id"], unique=False)


def _key(folded: str, name: str) -> str:
    before, _, domain = folded.rpartition("@")
    return domain if name == "email_domain" else before[::-1]
