"""Searching clauses by words: in title, text, clause id and topic. What counts as the same word, and which words say
nothing, is in foundation/search_words."""

from sqlalchemy import ColumnElement, Integer, case, literal

from tradepost.commerce.support.models import PolicyClause
from tradepost.database.full_text import HasWord


def matches(words: list[str], workspace_id: str) -> ColumnElement[int]:
    """How many of the words (as `words_of` gives them) the clause contains."""
    found = (case((HasWord(PolicyClause, workspace_id, word), 1), else_=0) for word in words)
    return sum(found, literal(0, Integer))
