"""A hub of an earlier release: whoever could call tools of a server that is not bundled still can, by scopes."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from tests.database.earlier_release import earlier
from tests.engines import DatabaseUrls
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.hub.access.models import Agent, ApiKey
from tradepost.hub.access.oauth.models import OAuthGrant, OAuthToken
from tradepost.hub.actions.models import Action

AT = datetime(2026, 1, 1, tzinfo=UTC)
READ, WRITE = "read:tools.crm", "write:tools.crm"


def write_old_hub(url: str) -> None:
    """Two agents: `both` is assigned a write of the server crm and its profile a read, `plain` has its profile's."""
    with earlier(url, "hub", "0009") as connection:

        def put(table_name: str, id_: str, **values: Any) -> None:
            table = sa.Table(table_name, sa.MetaData(), autoload_with=connection)
            always = {"workspace_id": "ws_1", "id": id_, "version": 1, "created_at": AT, "updated_at": AT}
            chosen = {key: value for key, value in {**always, **values}.items() if key in table.c}
            connection.execute(sa.insert(table).values(chosen))

        put("profiles", "prf_1", slug="team", name="Team", posture="propose")
        put("users", "usr_1", email="a@x.test", name="A", role="owner", status="active")
        for slug in ("both", "plain"):
            put("agents", slug, profile_id="prf_1", slug=slug, name=slug, description="", status="active",
                scopes=["read:orders"])  # fmt: skip
        put("servers", "srv_1", slug="crm", name="CRM", kind="remote", url="https://example.com/mcp", status="ready",
            credential_version=0, instructions="", identity={})  # fmt: skip
        for name, tool_class in (("look", "read"), ("change", "write")):
            put("tool_entries", name, server_id="srv_1", name=name, position=0, definition="{}", digest="x",
                state="enabled", tool_class=tool_class, moves_money=False)  # fmt: skip
        put("assignments", "asg_1", tool_entry_id="look", profile_id="prf_1", exposed_name="look", position=0)
        put("assignments", "asg_2", tool_entry_id="change", agent_id="both", exposed_name="change", position=0)
        holders: list[dict[str, Any]] = [
            {"agent_id": "both", "scopes": None},
            {"agent_id": "both", "scopes": ["read:orders"]},
            {"agent_id": "plain", "scopes": []},
            {"user_id": "usr_1", "profile_id": "prf_1", "scopes": ["read:orders"]},
            {"user_id": "usr_1", "scopes": ["read:orders"]},
        ]
        for number, holder in enumerate(holders):
            put("api_keys", f"key_{number}", kind="agent_key" if "agent_id" in holder else "api_key",
                prefix=f"prefix_{number}", digest=str(number), label="", created_by="x", **holder)  # fmt: skip
        for slug, scopes in (("looks", ["read:orders"]), ("changes", ["read:orders", "write:orders"])):
            put("oauth_grants", slug, client_id="c", client_name="C", user_id="usr_1", agent_id="both", scopes=scopes,
                resource="/mcp")  # fmt: skip
            put("oauth_tokens", slug, kind="access", digest=slug, grant_id=slug, scopes=scopes, issued_at=AT,
                expires_at=AT)  # fmt: skip
        for state in ("pending", "succeeded"):
            put("actions", state, principal_kind="agent_key", principal_id="key_1", agent_id="both",
                caller={"scopes": ["read:orders"], "attributes": {}}, tool_entry_id="change", server_id="srv_1",
                server_slug="crm", tool_class="write", tool_name="change", exposed_name="change", key=state,
                arguments="{}", fingerprint="x", definition_digest="x", credential_version=0, request_id="req_1",
                state=state, decision="ask", decision_reason="", approvals_needed=1, round=0, fence=0)  # fmt: skip


async def test_whoever_could_call_foreign_tools_still_can(database_urls: DatabaseUrls) -> None:
    write_old_hub(database_urls.hub)
    assert migrate.upgrade(database_urls.hub, "hub").revision == "0009"
    database = Database(database_urls.hub)
    try:
        async with database.transaction("ws_1", write=False) as session:

            async def of(kind: Any) -> dict[str, list[str] | None]:
                return {row.id: row.scopes for row in await session.scalars(sa.select(kind))}

            orders = "read:orders"
            assert await of(Agent) == {"both": [orders, READ, WRITE], "plain": [orders, READ]}
            assert await of(ApiKey) == {
                "key_0": None,
                "key_1": [orders, READ, WRITE],
                "key_2": [READ],
                "key_3": [orders, READ],
                "key_4": [orders],
            }
            granted = {"looks": [orders, READ], "changes": [orders, READ, "write:orders", WRITE]}
            assert await of(OAuthGrant) == granted == await of(OAuthToken)
            actions = {row.id: row.caller["scopes"] for row in await session.scalars(sa.select(Action))}
            assert actions == {"pending": [orders, READ, WRITE], "succeeded": [orders]}
    finally:
        await database.close()
