"""Full-text search over turns, the same on both engines: the words of a text are found here, folded (letter case,
accents), and the database keeps an index of them. What somebody looks for are words that all occur, in any order; the
last letters of each may be missing.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, cast, column, delete, literal_column, select, table
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.models import ConversationText
from tradepost.foundation.errors import InvalidArgument

MOST_WORDS = 5_000  # of one turn
LONGEST = 100  # characters of a word
MOST_ASKED = 16
# Scripts without spaces: each character is a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_FOUND = table("conversation_search", column("rowid"))


def words_of(text: str) -> list[str]:
    """The words of a text, folded, each once."""
    return list(dict.fromkeys(_words(text)))[:MOST_WORDS]


def _words(text: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    for match in _WORD.finditer("".join(one for one in plain if not unicodedata.combining(one))):
        yield match.group()[:LONGEST]


async def index(session: AsyncSession, conversation_id: str, turn_id: str, *texts: str) -> None:
    """Let a turn be found by the words of these texts, and no others from now on."""
    await session.execute(delete(ConversationText).where(ConversationText.id == turn_id))
    words: Any = " ".join(words_of(" ".join(texts)))
    if not _is_sqlite(session):
        words = cast(words, TSVECTOR)
    session.add(ConversationText(id=turn_id, conversation_id=conversation_id, words=words))
    await session.flush()


def matching(session: AsyncSession, asked: str) -> ColumnElement[bool]:
    """The condition that a turn's text has all words asked for. Raises InvalidArgument where there are none."""
    words = words_of(asked)[:MOST_ASKED]
    if not words:
        raise InvalidArgument("There is no word to look for.", hint="Give one or more words.", field="q")
    if not _is_sqlite(session):
        wanted = " & ".join(f"'{word}':*" for word in words)
        return ConversationText.words.op("@@")(cast(wanted, TSQUERY))
    match = literal_column("conversation_search").op("MATCH")(" AND ".join(f'"{word}"*' for word in words))
    return ConversationText.sequence.in_(select(_FOUND.c.rowid).where(match))


def _is_sqlite(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "sqlite"
