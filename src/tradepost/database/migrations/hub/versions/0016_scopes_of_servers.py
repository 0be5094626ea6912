"""tools of servers that are not bundled need a scope of their server, and whoever could call them has it

Revision 0016, after 0015.
"""

from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from tradepost.database import types

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_JSON = types.JsonColumn()
_SERVERS = sa.table("servers", *map(sa.column, ("workspace_id", "id", "slug", "kind")))
_TOOLS = sa.table("tool_entries", *map(sa.column, ("workspace_id", "id", "server_id", "tool_class", "scope")))
_ASSIGNMENTS = sa.table("assignments", *map(sa.column, ("workspace_id", "tool_entry_id", "profile_id", "agent_id")))
_AGENTS = sa.table("agents", *map(sa.column, ("workspace_id", "id", "profile_id")), sa.column("scopes", _JSON))
_KEYS = sa.table(
    "api_keys", *map(sa.column, ("workspace_id", "id", "agent_id", "profile_id")), sa.column("scopes", _JSON)
)
_GRANTS = sa.table("oauth_grants", *map(sa.column, ("workspace_id", "id", "agent_id")), sa.column("scopes", _JSON))
_APPROVALS = sa.table(
    "oauth_approvals", *map(sa.column, ("workspace_id", "id", "agent_id")), sa.column("scopes", _JSON)
)
_TOKENS = sa.table("oauth_tokens", *map(sa.column, ("workspace_id", "id", "grant_id")), sa.column("scopes", _JSON))

_ACTIONS = sa.table(
    "actions", *map(sa.column, ("workspace_id", "id", "agent_id", "state")), sa.column("caller", _JSON)
)

Holder = tuple[str, str]  # workspace, id of an agent or of a profile
Scopes = dict[Holder, set[str]]


def upgrade() -> None:
    connection = op.get_bind()
    seen = _seen(connection)
    if not seen:
        return
    agents = {}
    for row in connection.execute(sa.select(_AGENTS)).all():
        agents[row.workspace_id, row.id] = both = _of(seen, row.workspace_id, (row.id, row.profile_id))
        _extend(connection, _AGENTS, row, both)
    for row in connection.execute(sa.select(_KEYS)).all():
        if row.agent_id is not None:
            _extend(connection, _KEYS, row, agents.get((row.workspace_id, row.agent_id), set()))
        elif row.profile_id is not None:
            _extend(connection, _KEYS, row, _of(seen, row.workspace_id, (row.profile_id,)))
    by_grant = {}
    for table in (_GRANTS, _APPROVALS):
        for row in connection.execute(sa.select(table)).all():
            scopes = _agreed(agents.get((row.workspace_id, row.agent_id), set()), row.scopes)
            by_grant[row.workspace_id, row.id] = scopes
            _extend(connection, table, row, scopes)
    for row in connection.execute(sa.select(_TOKENS)).all():
        _extend(connection, _TOKENS, row, by_grant.get((row.workspace_id, row.grant_id), set()))
    waiting = sa.select(_ACTIONS).where(_ACTIONS.c.state.in_(("pending", "approved", "executing")))
    for row in connection.execute(waiting).all():
        scopes = agents.get((row.workspace_id, row.agent_id), set())
        caller = {**row.caller, "scopes": sorted({*row.caller["scopes"], *scopes})}
        connection.execute(
            sa.update(_ACTIONS)
            .where(_ACTIONS.c.workspace_id == row.workspace_id, _ACTIONS.c.id == row.id)
            .values(caller=caller)
        )


def _seen(connection: sa.Connection) -> Scopes:
    """What each agent and each profile is shown of servers that are not bundled."""
    rows = connection.execute(
        sa.select(
            _ASSIGNMENTS.c.workspace_id,
            sa.func.coalesce(_ASSIGNMENTS.c.agent_id, _ASSIGNMENTS.c.profile_id).label("holder"),
            _SERVERS.c.slug,
            _TOOLS.c.tool_class,
            _TOOLS.c.scope,
        )
        .select_from(_ASSIGNMENTS)
        .join(
            _TOOLS,
            sa.and_(
                _TOOLS.c.workspace_id == _ASSIGNMENTS.c.workspace_id, _TOOLS.c.id == _ASSIGNMENTS.c.tool_entry_id
            ),
        )
        .join(
            _SERVERS,
            sa.and_(_SERVERS.c.workspace_id == _TOOLS.c.workspace_id, _SERVERS.c.id == _TOOLS.c.server_id),
        )
        .where(_SERVERS.c.kind != "builtin")
        .distinct()
    )
    found: Scopes = defaultdict(set)
    for row in rows:
        scopes = found[row.workspace_id, row.holder]
        scopes.add(f"read:tools.{row.slug}")
        if row.scope is None and row.tool_class != "read":
            scopes.add(f"write:tools.{row.slug}")
    return found


def _of(seen: Scopes, workspace_id: str, holders: Iterable[str]) -> set[str]:
    return {scope for holder in holders for scope in seen.get((workspace_id, holder), ())}


def _agreed(scopes: set[str], given: list[str]) -> set[str]:
    """Whoever let a program only look, lets it only look here, too."""
    changes = any(not scope.startswith("read:") for scope in given)
    return scopes if changes else {scope for scope in scopes if scope.startswith("read:")}


def _extend(connection: sa.Connection, table: sa.TableClause, row: sa.Row, scopes: set[str]) -> None:  # type: ignore[type-arg]
    """Nothing narrows a holder whose scopes are null: they are whatever its agent has, or its role."""
    if row.scopes is not None and not scopes <= set(row.scopes):
        connection.execute(
            sa.update(table)
            .where(table.c.workspace_id == row.workspace_id, table.c.id == row.id)
            .values(scopes=sorted({*row.scopes, *scopes}))
        )
