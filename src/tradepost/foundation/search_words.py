"""Words of texts as they are indexed and looked for: the same on both engines, since the words are made here.

SQLite's FTS5 and PostgreSQL's text search get words that are folded already (case, accents, English plural), so they
cannot disagree. Long words are indexed by their endings too: a search looks for beginnings, and together that finds a
part of a compound ("frist" in "Rückgabefrist"). Scripts without spaces are indexed by pairs of letters.
"""

import re
import unicodedata

MAX_WORDS = 12
_LONG, _ENDING, _BEGINNING = 8, 4, 3
_FILLERS = frozenset(
    "a an and any are as at be by can do does for from how i in is it may my not of on or our that the their they this"
    " to us was we what when which who why will with within you your".split()
)
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_UNLIKE = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "_": " "})


def words_of(q: str) -> list[str]:
    """The words of a question that say something, folded, each once, at most MAX_WORDS."""
    found = re.findall(r"[^\s,;:.!?\"'()]+", q.lower())
    telling = [word for word in found if word not in _FILLERS] or found
    return list(dict.fromkeys(_folded(" ".join(telling))))[:MAX_WORDS]


def indexed(*texts: str) -> str:
    """The words of these texts as the index keeps them, each once, separated by spaces."""
    kept: dict[str, None] = {}
    for word in _folded(" ".join(texts)):
        kept[word] = None
        if len(word) >= _LONG and word.isalpha():
            kept.update(dict.fromkeys(word[start:] for start in range(1, len(word) - _ENDING + 1)))
    return " ".join(kept)


def is_beginning(word: str) -> bool:
    """Whether the word is looked for as the beginning of words; short ones and numbers only as they are."""
    return len(word) >= _BEGINNING and not word.isdigit()


def _folded(text: str) -> list[str]:
    bare = unicodedata.normalize("NFKD", text.casefold().translate(_UNLIKE))
    plain = unicodedata.normalize("NFC", "".join(letter for letter in bare if not unicodedata.combining(letter)))
    return [piece for word in _WORD.findall(plain) for piece in _pieces(word)]


def _pieces(word: str) -> list[str]:
    if not _UNSPACED.search(word):
        return [word[:-1] if len(word) > _BEGINNING and word.endswith("s") and not word.endswith("ss") else word]
    pieces: list[str] = []
    end = 0
    for run in _UNSPACED.finditer(word):
        pieces += [part for part in (word[end : run.start()],) if part]
        letters, end = run.group(), run.end()
        pieces += [letters[at : at + 2] for at in range(max(len(letters) - 1, 1))]
    return pieces + [part for part in (word[end:],) if part]
