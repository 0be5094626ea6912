"""Column types that mean the same on SQLite and PostgreSQL."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, String, TypeDecorator
from sqlalchemy.dialects.postgresql import TSVECTOR

from tradepost.foundation.clock import to_rfc3339


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC. A naive one is a mistake of the caller and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone cannot be stored.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """SQLite has no times: the text is read in one go, where the usual way would make two times of each."""
        return from_sqlite if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


class JsonColumn(TypeDecorator[Any]):
    """JSON kept as text on both engines, so that the order of keys survives (jsonb would sort them)."""

    impl = JSON(none_as_null=True)
    cache_ok = True


class SearchWords(TypeDecorator[str]):
    """Words that a full-text search compares, separated by spaces and folded by us (foundation/search_words): on
    PostgreSQL a tsvector, on SQLite a text that an FTS5 table beside it indexes."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(TSVECTOR() if dialect.name == "postgresql" else String())


@lru_cache(maxsize=16_384)  # rows that were made together have the same times, and are read again and again
def from_sqlite(kept: str | None) -> datetime | None:
    """The time that SQLite keeps as a text."""
    if kept is None:
        return None
    if len(kept) != _SQLITE_LENGTH:  # somebody else's text
        return datetime.fromisoformat(kept).replace(tzinfo=UTC)
    return datetime.fromisoformat(kept + "+00:00")


def as_sqlite_keeps(moment: datetime | str) -> str:
    """What UtcDateTime stores there, for rows that go straight to the driver: text in UTC, always with microseconds.
    What is such a text already stays it."""
    if isinstance(moment, str):
        return moment
    if moment.tzinfo is None:
        raise ValueError("A time without a zone cannot be stored.")
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:_SQLITE_LENGTH]  # without the offset, which is 0


def as_rfc3339(kept: str) -> str:
    """What `foundation.clock.to_rfc3339` makes of that time, without a detour."""
    if len(kept) != _SQLITE_LENGTH:  # somebody else's text
        return to_rfc3339(datetime.fromisoformat(kept).replace(tzinfo=UTC))
    fraction = "" if kept.endswith(".000000") else kept[19:]
    return f"{kept[:10]}T{kept[11:19]}{fraction}Z"


_SQLITE_LENGTH = len("2026-02-24 09:00:00.000000")
