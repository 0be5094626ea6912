"""Searching the shop's policy clauses by words.

A word is looked for as a part of title, text, clause id or topic, without case. Letters beyond ASCII match any one
letter: SQLite folds the case of ASCII only, and both engines should find the same.
"""

import re

from sqlalchemy import ColumnElement, Integer, case, func, literal, or_

from tradepost.commerce.support.models import PolicyClause

MAX_WORDS = 12
_ESCAPE = "\\"
_FILLERS = frozenset(
    "a an and any are as at be by can do does for from how i in is it may my not of on or our that the their they this"
    " to us was we what when which who why will with within you your".split()
)


def words_of(q: str) -> list[str]:
    """The words of a question that say something, without punctuation and plural s, each once."""
    found = re.findall(r"[^\s,;:.!?\"'()]+", q.lower())
    telling = [word for word in found if word not in _FILLERS] or found
    shortened = [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in telling]
    return list(dict.fromkeys(shortened))[:MAX_WORDS]


def matches(words: list[str]) -> ColumnElement[int]:
    """How many of the words the clause contains."""
    return sum((case((_has(word), 1), else_=0) for word in words), literal(0, Integer))


def _has(word: str) -> ColumnElement[bool]:
    pattern = f"%{''.join(_literal(letter) for letter in word)}%"
    columns = (PolicyClause.title, PolicyClause.body, PolicyClause.clause, PolicyClause.topic)
    return or_(*(func.lower(column).like(pattern, escape=_ESCAPE) for column in columns))


def _literal(letter: str) -> str:
    if not letter.isascii():
        return "_"
    return _ESCAPE + letter if letter in "%_\\" else letter
