"""A hub of an earlier release: the seconds that calls of a server may take are among its settings after the upgrade,
and what took the place of an approved resource or prompt counts as approved by nobody."""

from sqlalchemy import select, text

from tests.database.earlier_release import earlier
from tests.engines import DatabaseUrls
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.hub.registry.models import PromptEntry, ResourceEntry, Server, ToolEntry

AT = "2026-01-01 00:00:00.000000"


def write_old_hub(url: str) -> None:
    """A database as an earlier release left it, with three servers, one of them with a tool."""
    with earlier(url, "hub", "0001") as connection:
        for slug, seconds in (("usual", 60), ("quick", 5), ("slow", 300)):
            connection.execute(
                text(
                    "INSERT INTO servers (workspace_id, id, slug, name, kind, url, status, credential_version, "
                    "instructions, identity, timeout_seconds, version, created_at, updated_at) VALUES ('ws_1', :slug, "
                    ":slug, :slug, 'remote', 'https://example.com/mcp', 'ready', 0, '', '{}', :seconds, 1, :at, :at)"
                ),
                {"slug": slug, "seconds": seconds, "at": AT},
            )
        connection.execute(
            text(
                "INSERT INTO tool_entries (workspace_id, id, server_id, name, position, definition, digest, state, "
                "tool_class, moves_money, version, created_at, updated_at) VALUES ('ws_1', 'tool_1', 'slow', 'track', "
                "0, '{}', 'x', 'enabled', 'read', false, 1, :at, :at)"
            ),
            {"at": AT},
        )
        for table, column in (("resource_entries", "uri, is_template"), ("prompt_entries", "name")):
            for state in ("enabled", "quarantined"):
                connection.execute(
                    text(
                        f"INSERT INTO {table} (workspace_id, id, server_id, {column}, position, definition, digest, "
                        "state, version, created_at, updated_at) VALUES ('ws_1', :state, 'slow', :state, "
                        f"{'false, ' if 'is_template' in column else ''}0, '{{}}', 'x', :state, 1, :at, :at)"
                    ),
                    {"state": state, "at": AT},
                )


async def test_the_seconds_of_an_earlier_release_are_kept(database_urls: DatabaseUrls) -> None:
    write_old_hub(database_urls.hub)
    assert migrate.upgrade(database_urls.hub, "hub").revision == "0001"
    database = Database(database_urls.hub)
    try:
        async with database.transaction("ws_1", write=True) as session:
            servers = {row.slug: row.settings for row in await session.scalars(select(Server))}
            tool = (await session.scalars(select(ToolEntry))).one()
            assert tool.settings == {}
            tool.settings = {"timeout_seconds": 200.0}
            resources = {row.id: row.state for row in await session.scalars(select(ResourceEntry))}
            prompts = {row.id: row.state for row in await session.scalars(select(PromptEntry))}
            assert resources == prompts == {"enabled": "enabled", "quarantined": "unapproved"}
        assert servers == {"usual": {}, "quick": {"timeout_seconds": 5}, "slow": {"timeout_seconds": 300}}
    finally:
        await database.close()
