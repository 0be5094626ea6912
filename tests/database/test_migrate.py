"""Schemas: what the migrations make is what the tables say; a wrong database is refused in one sentence."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, inspect, text

import tradepost.hub.tables  # noqa: F401 (every table)
from tests.engines import DatabaseUrls
from tradepost.agents import tables as agent_tables
from tradepost.commerce import tables as store_tables
from tradepost.database import migrate, schema
from tradepost.database.engine import Database
from tradepost.database.urls import parse_url
from tradepost.foundation.errors import SetupError

METADATA: dict[migrate.Which, MetaData] = {"hub": agent_tables.METADATA, "store": store_tables.METADATA}


def is_everywhere(name: str | None, _kind: object, _parents: object) -> bool:
    """The full-text indexes are another thing on each engine: the tables of FTS5 on SQLite, an index on PostgreSQL."""
    return not str(name).startswith(("conversation_search", "ix_conversation_texts_words"))


def sync_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


# What SQLite cannot tell of itself is an index over the first of several moments.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.parametrize("which", ["hub", "store"])
def test_migrations_make_exactly_the_tables(database_urls: DatabaseUrls, which: migrate.Which) -> None:
    url = getattr(database_urls, which)
    migrate.upgrade(url, which)
    engine = create_engine(sync_url(url))
    with engine.connect() as connection:
        options = {"version_table": f"tradepost_{which}_revision", "include_name": is_everywhere}
        context = MigrationContext.configure(connection, opts=options)
        found = compare_metadata(context, METADATA[which])
    engine.dispose()
    assert found == []
    assert migrate.upgrade(url, which).state == "current"


@pytest.mark.parametrize("which", ["hub", "store"])
def test_every_table_is_keyed_by_workspace_and_id(which: migrate.Which) -> None:
    for table in METADATA[which].tables.values():
        assert [column.name for column in table.primary_key] == ["workspace_id", "id"], table.name


@pytest.mark.parametrize("which", ["hub", "store"])
def test_row_level_security_is_on_for_every_table(database_urls: DatabaseUrls, which: migrate.Which) -> None:
    url = getattr(database_urls, which)
    migrate.upgrade(url, which)
    if database_urls.engine == "sqlite":
        names = set(inspect(create_engine(url)).get_table_names())
        assert set(METADATA[which].tables) <= names
        return
    engine = create_engine(sync_url(url))
    with engine.connect() as connection:
        open_tables = connection.execute(
            text("SELECT relname FROM pg_class WHERE relkind = 'r' AND NOT relrowsecurity AND relname = ANY(:names)"),
            {"names": list(METADATA[which].tables)},
        ).all()
        owned = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE tableowner = 'tradepost_app'"),
        ).all()
    engine.dispose()
    assert open_tables == []
    assert owned == []


def test_a_half_made_or_foreign_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "half.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE workspaces (x)")
    url = f"sqlite:///{path}"
    with pytest.raises(SetupError, match="tables but no revision"):
        migrate.upgrade(url, "hub")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("workspaces",)]


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    migrate.upgrade(url, "hub")
    with sqlite3.connect(tmp_path / "hub.db") as connection:
        connection.execute("UPDATE tradepost_hub_revision SET version_num = '9999'")
    with pytest.raises(SetupError, match="does not know"):
        migrate.require_current(url, "hub")


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (x)")
    with pytest.raises(SetupError, match="already exists"):
        migrate.upgrade(f"sqlite:///{path}", "hub")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("users",)]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://x/y",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://127.0.0.1:1/x",
        "sqlite:////no/x.db",
    ],
)
async def test_a_wrong_url_is_one_sentence_with_what_to_do(url: str) -> None:
    with pytest.raises(SetupError) as refused:
        migrate.require_current(url, "store")
    assert refused.value.hint
    assert "\n" not in refused.value.message


async def test_a_password_in_a_url_is_never_shown() -> None:
    url = "postgresql://someone:sesame@127.0.0.1:1/x"
    with pytest.raises(SetupError) as refused:
        migrate.require_current(url, "store")
    assert "sesame" not in refused.value.message
    database = Database(url)
    with pytest.raises(SetupError) as unreachable:
        await database.ping()
    assert "sesame" not in unreachable.value.message
    await database.close()
    assert parse_url(url).password == "sesame"


@pytest.mark.parametrize("which", ["hub", "store"])
def test_a_revision_is_what_its_file_begins_with(which: migrate.Which) -> None:
    """A start reads the names of the files alone."""
    scripts = ScriptDirectory(str(schema.FOLDER / which))
    in_order = [script.revision for script in reversed(list(scripts.walk_revisions()))]
    assert schema.revisions(which) == in_order
