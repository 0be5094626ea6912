"""Many rules about one tool, of which most do not hold: all of them ruled out by one look at a value.

Rules mostly begin with the same comparison and another limit: `call.amount > 500 * call.unit`, `args.reason == 'gift'`.
Those are kept in order of their limits, so that one search finds which of them the call passes, however many there are,
and those about words of a text (`args.sku.startsWith('A-')`) by the words.
What is ruled out here is what `surely` finds false, no more.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tradepost.hub.policy.surely import Numbers, Texts, comparisons
from tradepost.hub.policy.worded import ENDS, HAS, IN, STARTS, Worded

LEAST = 12  # rules; fewer are looked at one by one
_ORDERED = frozenset({">", ">=", "<", "<="})


class Screen(NamedTuple):
    """A comparison that has to hold: a value, the sign, and a limit, in units of another value where one is named."""

    path: str
    sign: str
    limit: int
    unit: str = ""


def screen_of(tokens: Sequence[str]) -> Screen | Worded | None:
    """The comparison by which a condition of these tokens is kept: with words, which leaves least, else the first with
    a number. None where there is none."""
    found: Screen | None = None
    for one in comparisons(tokens):
        if isinstance(one, Worded):
            return one
        if one.text is not None:
            if one.sign == "==":
                return Worded(one.path, IN, (one.text,))
        elif found is None and one.factor == 1 and one.sign in _ORDERED and one.limit is not None:
            found = Screen(one.path, one.sign, one.limit, one.unit)
    return found


@dataclass(slots=True)
class _Group:
    """Rules that compare the same value in the same way, by their limits. `places` are those of the rules."""

    path: str
    sign: str
    unit: str
    limits: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def left(self, numbers: Numbers) -> Sequence[int]:
        """The places of the rules that are not ruled out."""
        value, unit = numbers[self.path], numbers[self.unit] if self.unit else 1
        if not (isinstance(value, int) and isinstance(unit, int) and unit > 0):
            return self.places
        # Whole numbers, so that nothing is rounded. `limits` are in order.
        if self.sign == ">":
            return self.places[: bisect_right(self.limits, (value - 1) // unit)]
        if self.sign == ">=":
            return self.places[: bisect_right(self.limits, value // unit)]
        if self.sign == "<":
            return self.places[bisect_right(self.limits, value // unit) :]
        return self.places[bisect_left(self.limits, -(-value // unit)) :]


@dataclass(slots=True)
class _Words:
    """Rules that ask something of the same text. `whole`: places by the text itself; `heads` and `tails`: by what it
    begins and ends with, for each length; `within`: what it has somewhere in it."""

    every: list[int] = field(default_factory=list)
    whole: dict[str, list[int]] = field(default_factory=dict)
    heads: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    tails: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    within: list[tuple[str, int]] = field(default_factory=list)

    def add(self, screen: Worded, place: int) -> None:
        self.every.append(place)
        for word in dict.fromkeys(screen.words):
            if screen.sign == IN:
                self.whole.setdefault(word, []).append(place)
            elif screen.sign == HAS or not word:
                self.within.append((word, place))
            elif screen.sign == STARTS:
                self.heads.setdefault(len(word), {}).setdefault(word, []).append(place)
            elif screen.sign == ENDS:
                self.tails.setdefault(len(word), {}).setdefault(word, []).append(place)

    def left(self, text: str | None) -> list[int]:
        """The places of the rules that are not ruled out; of what is no text, all."""
        if text is None:
            return self.every
        places = list(self.whole.get(text, ()))
        for length, heads in self.heads.items():
            places += heads.get(text[:length], ())
        for length, tails in self.tails.items():
            places += tails.get(text[-length:], ())
        return places + [place for word, place in self.within if word in text]


class Screening:
    """The rules about a call, by what has to hold for them."""

    def __init__(self, screens: Iterable[Screen | Worded | None]) -> None:
        self._always: list[int] = []
        self._words: dict[str, _Words] = {}
        groups: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        for place, screen in enumerate(screens):
            if screen is None:
                self._always.append(place)
            elif isinstance(screen, Worded):
                self._words.setdefault(screen.path, _Words()).add(screen, place)
            else:
                groups.setdefault((screen.path, screen.sign, screen.unit), []).append((screen.limit, place))
        self._groups = []
        for (path, sign, unit), members in groups.items():
            members.sort()
            limits, places = [limit for limit, _ in members], [place for _, place in members]
            self._groups.append(_Group(path, sign, unit, limits, places))

    def left(self, numbers: Numbers, texts: Texts) -> list[int]:
        """The places of the rules that are to be looked at, in their order."""
        places = list(self._always)
        for group in self._groups:
            places += group.left(numbers)
        for path, words in self._words.items():
            places += words.left(texts.get(path))
        places.sort()
        return places
