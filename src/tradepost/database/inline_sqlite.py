"""A SQLite driver that runs its statements where it is called, for look-ups that take microseconds.

The usual async driver hands every statement to a thread and back, which costs more than a look-up by key does. Only
reading connections use this one, and only for bounded look-ups: whatever scans goes through the threads.
"""

from typing import Any

from sqlalchemy import URL
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool

NAME = "sqlite+inline"


class InlineSqlite(SQLiteDialect_pysqlite):
    """The standard library's driver under SQLAlchemy's async façade: it never has anything to wait for."""

    driver = "inline"
    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """A pool whose waiting is async."""
        return AsyncAdaptedQueuePool

    def get_driver_connection(self, connection: Any) -> Any:
        """The connection itself: there is no adapter around it."""
        return connection


registry.register("sqlite.inline", __name__, InlineSqlite.__name__)
