"""Finding entries by the words of their clauses."""

from sqlalchemy import ColumnElement, false, select

from tradepost.commerce.support.models import KnowledgeEntry, PolicyClause
from tradepost.database.full_text import HasWord
from tradepost.foundation.search_words import words_of


def entries_with(q: str, workspace_id: str) -> ColumnElement[bool]:
    """The entries that have a clause with all these words; none for words that say nothing."""
    words = words_of(q)
    if not words:
        return false()
    found = select(PolicyClause.entry_id).where(*(HasWord(PolicyClause, workspace_id, word) for word in words))
    return KnowledgeEntry.id.in_(found)
