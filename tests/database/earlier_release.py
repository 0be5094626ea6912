"""A database as an earlier release left it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine

from tradepost.database import migrate


@contextmanager
def earlier(url: str, which: str, revision: str) -> Iterator[Connection]:
    """An empty hub's or store's database (`which`) at a revision, to write rows into."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations" / which))
    with engine.begin() as connection:
        config.attributes.update(connection=connection, version_table=f"tradepost_{which}_revision")
        command.upgrade(config, revision)
        yield connection
    engine.dispose()
