"""Full-text search in a column of SearchWords: on PostgreSQL a tsvector, on SQLite an FTS5 table beside the table,
"<table>_fts" with workspace_id, id and words, which triggers keep."""

from typing import Any

from sqlalchemy import Boolean, String, cast, column, literal, select, table
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from tradepost.foundation.search_words import is_beginning

_FTS5, _TSVECTOR = 0, 1


class HasWord(FunctionElement[bool]):
    """Whether the words of a row have one that begins with this (a short one or a number: that is this). Give the class
    of the rows, the workspace, and a word as `search_words.words_of` gives it."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, rows: Any, workspace_id: str, word: str) -> None:
        begins = is_beginning(word)
        index = table(f"{rows.__tablename__}_fts", *(column(name, String) for name in ("workspace_id", "id", "words")))
        named = index.c.words.match(f'"{word}"*' if begins else f'"{word}"')
        found = select(index.c.id).where(named, index.c.workspace_id == workspace_id)
        wanted = cast(literal(f"{word}:*" if begins else word), TSQUERY)
        super().__init__(rows.id.in_(found), rows.words.bool_op("@@")(wanted))


@compiles(HasWord)
def _on_sqlite(element: HasWord, compiler: Any, **options: Any) -> str:
    return str(compiler.process(list(element.clauses)[_FTS5], **options))


@compiles(HasWord, "postgresql")
def _on_postgres(element: HasWord, compiler: Any, **options: Any) -> str:
    return str(compiler.process(list(element.clauses)[_TSVECTOR], **options))
