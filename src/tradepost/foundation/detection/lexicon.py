"""Finds meanings in a text: which word, or words that follow one another, means what."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from tradepost.foundation.detection.normal import folded
from tradepost.foundation.detection.words import WORDS
from tradepost.foundation.detection.words_cjk import WORDS_CJK

_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_TOKEN = re.compile(r"https?://[^\s<>\"]{1,300}|[^\W_]+(?:_[^\W_]+)*|(?<=\w)@(?=\w)|[:：]")
_WRITES = frozenset(
    """add adjust apply approve assign cancel change confirm create delete disable drop enable execute export forward
    grant import initiate issue mark move pay refund reject release remove replace reroute revoke run send set ship
    transfer update waive write""".split()
)
_READS = frozenset("check fetch find get list lookup read search show".split())
_SIGNS: Mapping[str, tuple[str, ...]] = {":": ("colon",), "：": ("colon",), "@": ("dest",)}
MAX_WORD = 300
_LEAKY = re.compile(r"[?&]\w{0,20}=(?:\{|%7B|<|\[|\Z|[A-Z_]{4,}\b)")


class Meaning(NamedTuple):
    """One place of a text with a meaning: the number of its word, and where it stands."""

    concept: str
    at: int
    start: int
    end: int


class _Phrase(NamedTuple):
    rest: tuple[str, ...]
    concept: str


class _Lexicon:
    def __init__(self, words: Mapping[str, str]) -> None:
        self.whole: dict[str, list[str]] = {}
        self.exact: dict[str, list[str]] = {}
        self.stems: dict[str, list[str]] = {}
        self.phrases: dict[str, list[_Phrase]] = {}
        for concept, said in words.items():
            for entry in said.split():
                self._add(concept, entry)
        self.lengths = sorted({len(stem) for stem in (*self.stems, *self._stemmed())}, reverse=True)

    def _add(self, concept: str, entry: str) -> None:
        if entry != entry.lower():
            self.exact.setdefault(entry, []).append(concept)
            return
        first, *rest = folded(entry).split("_")
        if rest:
            self.phrases.setdefault(first, []).append(_Phrase(tuple(rest), concept))
        elif first.endswith("*"):
            self.stems.setdefault(first[:-1], []).append(concept)
        else:
            self.whole.setdefault(first, []).append(concept)

    def _stemmed(self) -> Iterable[str]:
        return (first[:-1] for first in self.phrases if first.endswith("*"))


_ALL = _Lexicon(WORDS)
_IN_CJK: dict[str, list[str]] = {}
for _concept, _said in WORDS_CJK.items():
    for _entry in _said.split():
        _IN_CJK.setdefault(folded(_entry), []).append(_concept)
# One entry may be part of another ("指示" of "隠された指示"): a look-ahead finds each wherever it begins.
_ANY_CJK = re.compile("(?=(" + "|".join(sorted(map(re.escape, _IN_CJK), key=len, reverse=True)) + "))")


@lru_cache(maxsize=16_384)
def _meant(word: str) -> tuple[tuple[str, ...], tuple[_Phrase, ...]]:
    """What a word means alone, and which phrases it begins."""
    if word in _SIGNS:
        return _SIGNS[word], ()
    lower = word.lower()
    if lower.startswith(("http://", "https://")):
        return ("dest", "leaky") if _LEAKY.search(word) else ("dest",), ()
    concepts = [*_ALL.exact.get(word, ()), *_ALL.whole.get(lower, ())]
    phrases = list(_ALL.phrases.get(lower, ()))
    for length in _ALL.lengths:
        if length <= len(lower):
            concepts += _ALL.stems.get(lower[:length], ())
            phrases += _ALL.phrases.get(lower[:length] + "*", ())
    if "_" in lower:
        verb = lower.partition("_")[0]
        if verb in _WRITES or verb in _READS:
            concepts += ["ident", "write_ident"] if verb in _WRITES else ["ident"]
    return tuple(dict.fromkeys(concepts)), tuple(phrases)


def meanings(text: str) -> list[Meaning]:
    """All meanings in a folded text, in the order of their places."""
    found: list[Meaning] = []
    tokens = list(_TOKEN.finditer(text))
    words = [token.group() for token in tokens]
    shift = 0  # a run without blanks is as many words as it has pairs of characters
    for index, word in enumerate(words):
        if not word.isascii() and _CJK.search(word) is not None:
            found += _in_cjk(word, index + shift, tokens[index].start())
            shift += len(word) // 2
            continue
        concepts, phrases = _meant(word[:MAX_WORD])
        if phrases:
            concepts += tuple(one.concept for one in phrases if _follow(words, index + 1, one.rest))
        if not concepts:
            continue
        start, end = tokens[index].span()
        if "ident" in concepts and text[end : end + 1] == "(":
            concepts += ("called_ident", "called") if "write_ident" in concepts else ("called_ident",)
        found += [Meaning(concept, index + shift, start, end) for concept in concepts]
    return found


def _follow(words: list[str], index: int, rest: tuple[str, ...]) -> bool:
    for wanted in rest:
        if index >= len(words):
            return False
        lower = words[index].lower()
        if not (lower.startswith(wanted[:-1]) if wanted.endswith("*") else lower == wanted):
            return False
        index += 1
    return True


def _in_cjk(run: str, at: int, start: int) -> list[Meaning]:
    return [
        Meaning(concept, at + found.start() // 2, start + found.start(), start + found.end(1))
        for found in _ANY_CJK.finditer(run)
        for concept in _IN_CJK[found.group(1)]
    ]
