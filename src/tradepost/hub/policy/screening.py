"""Many rules about one tool, of which most do not hold: all of them ruled out by one look at a value.

Rules mostly begin with the same comparison and another limit: `call.amount > 500 * call.unit`, `args.reason == 'gift'`.
Those are kept in order of their limits, so that one search finds which of them the call passes, however many there are.
What is ruled out here is what `surely` finds false, no more.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tradepost.hub.policy.surely import Numbers, Texts, comparisons

LEAST = 12  # rules; fewer are looked at one by one
_ORDERED = frozenset({">", ">=", "<", "<="})


class Screen(NamedTuple):
    """A comparison that has to hold: a value, the sign, and a limit, in units of another value where one is named."""

    path: str
    sign: str
    limit: int | str
    unit: str = ""


def screen_of(tokens: Sequence[str]) -> Screen | None:
    """The comparison by which a condition of these tokens is kept: with a text, which leaves least, else the first with
    a number. None where there is none."""
    found: Screen | None = None
    for one in comparisons(tokens):
        if one.text is not None:
            if one.sign == "==":
                return Screen(one.path, "==", one.text)
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


class Screening:
    """The rules about a call, by what has to hold for them."""

    def __init__(self, screens: Iterable[Screen | None]) -> None:
        self._always: list[int] = []
        self._texts: dict[str, dict[str, list[int]]] = {}
        groups: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        for place, screen in enumerate(screens):
            if screen is None:
                self._always.append(place)
            elif isinstance(screen.limit, str):
                self._texts.setdefault(screen.path, {}).setdefault(screen.limit, []).append(place)
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
        for path, by_text in self._texts.items():
            text = texts.get(path)
            if text is not None:
                places += by_text.get(text, ())
                continue
            for some in by_text.values():
                places += some
        places.sort()
        return places
