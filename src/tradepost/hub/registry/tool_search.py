"""Finding tools by words: BM25 over name, title, description and argument names, with the words of a trade that mean
the same. No model, no network: the same query gives the same answer on every replica."""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

K1 = 1.2
B = 0.6
# How often a word counts for standing there.
_NAME, _TITLE, _DESCRIPTION, _ARGUMENTS = 4.0, 3.0, 1.0, 0.5
_RELATED = 0.4  # of a word's weight, for one that means the same
_BEGUN = 0.3  # and for one of which it is the beginning, or that is the beginning of it
_LEAST_BEGUN = 4  # characters
MAX_WORDS = 40  # of a query

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+")
_COMMON = frozenset(
    """a an and any are as at be by can do does for from get give has have how i in is it its me my of on one or our
    please show that the their them there this to tool tools use want was we what when which who will with you
    your""".split()
)
_ALIKE = (
    "refund reimburse repay moneyback",
    "cancel void abort stop",
    "parcel package shipment delivery consignment",
    "track trace locate where status",
    "customer shopper buyer client",
    "stock inventory quantity",
    "invoice bill",
    "order purchase",
    "return rma",
    "address destination",
    "warehouse depot",
    "driver courier carrier",
    "price cost amount",
    "discount coupon voucher promotion",
    "ticket issue case",
    "create add make new open",
    "change update edit modify set",
    "delete remove erase",
    "find search look list query lookup",
    "send notify message mail email",
    "payment charge pay",
    "product item sku article",
    "supplier vendor",
    "report summary figure statistic analytics",
    "late delay overdue",
    "broken damage defect claim",
    "subscription plan",
)


def _root(word: str) -> str:
    """A word without its most usual endings: refunds, refunded and refunding are one."""
    for ending in ("ings", "ing", "ments", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stem = word[: -len(ending)] + ("y" if ending == "ies" else "")
            break
    else:
        stem = word
    if len(stem) > 3 and (stem.endswith("e") or stem[-1] == stem[-2]):
        stem = stem[:-1]  # store, stored; cancel, cancelled
    return stem


_GROUP = {_root(word): number for number, words in enumerate(_ALIKE) for word in words.split()}
_MEMBERS = [frozenset(_root(word) for word in words.split()) for words in _ALIKE]


def words_of(text: str) -> Iterator[str]:
    """The roots of the words in a text: snake_case, camelCase and accents make no difference."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    for found in _WORD.finditer(_HUMP.sub(" ", plain)):
        word = found.group().lower()
        if word not in _COMMON:
            yield _root(word)


@dataclass(frozen=True, slots=True)
class Document:
    """What is searched of one tool."""

    name: str
    title: str = ""
    description: str = ""
    arguments: str = ""

    def weighed(self) -> dict[str, float]:
        """Its words, and how much each counts."""
        found: dict[str, float] = {}
        for text, weight in (
            (self.name, _NAME),
            (self.title, _TITLE),
            (self.description, _DESCRIPTION),
            (self.arguments, _ARGUMENTS),
        ):
            for word in words_of(text):
                found[word] = found.get(word, 0.0) + weight
        return found


class ToolIndex:
    """Finds documents by words."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._names: list[str] = []
        self._lengths: list[float] = []
        self._found_in: dict[str, dict[int, float]] = {}
        for number, document in enumerate(documents):
            weighed = document.weighed()
            self._names.append(document.name)
            self._lengths.append(sum(weighed.values()))
            for word, weight in weighed.items():
                self._found_in.setdefault(word, {})[number] = weight
        self._usual = sum(self._lengths) / len(self._lengths) if self._lengths else 1.0

    def find(self, query: str, limit: int) -> list[str]:
        """The names of those that fit best, the best one first; only those that share a word with the query. Who is
        asked for by its whole name comes first."""
        scores: dict[int, float] = {}
        for word, weight in self._wanted(query).items():
            for number, score in self._scores(word):
                scores[number] = scores.get(number, 0.0) + weight * score
        wanted = query.strip().lower()
        ranked = sorted(
            scores, key=lambda number: (self._names[number].lower() != wanted, -scores[number], self._names[number])
        )
        return [self._names[number] for number in ranked[:limit]]

    def _wanted(self, query: str) -> dict[str, float]:
        """The words of a query and those that stand for them, with what each counts."""
        asked = list(dict.fromkeys(words_of(query)))[:MAX_WORDS]
        wanted: dict[str, float] = {}
        for word in asked:
            group = _GROUP.get(word)
            for other in _MEMBERS[group] if group is not None else ():
                wanted[other] = max(wanted.get(other, 0.0), _RELATED)
            if len(word) >= _LEAST_BEGUN and word not in self._found_in:
                for other in self._found_in:
                    if other.startswith(word) or (len(other) >= _LEAST_BEGUN and word.startswith(other)):
                        wanted[other] = max(wanted.get(other, 0.0), _BEGUN)
        wanted.update(dict.fromkeys(asked, 1.0))
        return wanted

    def _scores(self, word: str) -> Iterator[tuple[int, float]]:
        found = self._found_in.get(word, {})
        rarity = math.log(1 + (len(self._names) - len(found) + 0.5) / (len(found) + 0.5))
        for number, weight in found.items():
            length = 1 - B + B * self._lengths[number] / self._usual
            yield number, rarity * weight * (K1 + 1) / (weight + K1 * length)
