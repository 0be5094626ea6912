"""The detector: reads a text and says which signs it has that somebody wants something of a model.

It works by words and forms that are known, in twelve languages. Whoever writes otherwise is not found, and somebody who
writes plainly about such things is found wrongly: what it says is for people to look at, and decides nothing. What was
measured stands in docs/detector.md.
"""

import secrets
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tradepost.foundation.detection.decoding import within
from tradepost.foundation.detection.kinds import KINDS, SAYS, Kind, Level
from tradepost.foundation.detection.lexicon import Meaning, meanings
from tradepost.foundation.detection.marks import marked
from tradepost.foundation.detection.normal import folded, hidden_marks, leet, unspaced, without_look_alikes
from tradepost.foundation.detection.rules import RULES, Rule

MAX_LOOKED_AT = 10_000  # characters of one text; of longer ones its beginning, its end and parts in between
PART = 2_000  # characters looked at in one go
OVERLAP = 200
_MIDDLE = 2  # parts of a long text that nobody can know beforehand
POSSIBLE, LIKELY = 5, 9
MIN_LENGTH = 4
EVIDENCE = 100  # characters
_NEAR = 4  # words around a sign in which something may take it back

_BY_MEMBER: dict[str, list[Rule]] = {}
for _one in RULES:
    for _member in _one.members:
        _BY_MEMBER.setdefault(_member, []).append(_one)


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign: its kind, how much it weighs, and the words that it was found in."""

    kind: Kind
    weight: int
    evidence: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in a text, the heaviest first. That it was too long is a sign without weight."""

    signs: tuple[Sign, ...] = ()

    @property
    def score(self) -> int:
        """The heaviest sign of each kind, added up."""
        return sum({sign.kind: sign.weight for sign in reversed(self.signs)}.values())

    @property
    def level(self) -> Level:
        score = self.score
        return "likely" if score >= LIKELY else "possible" if score >= POSSIBLE else "none"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that were found, in a fixed order."""
        there = {sign.kind for sign in self.signs}
        return tuple(kind for kind in KINDS if kind in there)

    def reasons(self) -> list[str]:
        """Why, in words: half a sentence each, without any words of the text."""
        return [SAYS[kind] for kind in self.kinds]


NOTHING = Finding()


def detect(text: str) -> Finding:
    """The signs in a text. The time it takes grows with the text up to a bound, whatever stands in it."""
    signs: list[Sign] = []
    for part in parts_of(text):
        signs += signs_in(part)
    return finding_of(signs, partial=is_long(text))


def is_long(text: str) -> bool:
    """Whether only parts of a text are looked at."""
    return len(text) > MAX_LOOKED_AT


def finding_of(signs: Iterable[Sign], *, partial: bool = False) -> Finding:
    """The heaviest sign of each kind, the heaviest first. `partial`: not all of the text was looked at."""
    best: dict[Kind, Sign] = {}
    for sign in signs:
        if sign.kind not in best or sign.weight > best[sign.kind].weight:
            best[sign.kind] = sign
    if partial:
        best["long"] = Sign("long", 0, "")
    return Finding(tuple(sorted(best.values(), key=lambda sign: -sign.weight))) if best else NOTHING


def parts_of(text: str) -> Iterator[str]:
    """What is looked at of a text, in parts that overlap: whoever cannot wait for all of it looks at one after the
    other. Of a long text it is the beginning, the end, and some of what is between: nobody knows beforehand which."""
    if len(text) < MIN_LENGTH:
        return
    if not is_long(text):
        yield from pieces(text)
        return
    rest = MAX_LOOKED_AT - _MIDDLE * PART
    yield from pieces(text[: rest // 2])
    for _ in range(_MIDDLE):
        at = secrets.randbelow(len(text) - PART)
        yield text[at : at + PART]
    yield from pieces(text[-rest // 2 :])


def pieces(text: str) -> Iterator[str]:
    """All of a text in parts that overlap."""
    for at in range(0, max(1, len(text) - OVERLAP), PART - OVERLAP):
        yield text[at : at + PART]


def signs_in(part: str) -> list[Sign]:
    """All signs in a part of a text."""
    tags, cut, turned = hidden_marks(part)
    plain, alike = without_look_alikes(folded(part))
    signs = _in_plain(plain)
    for other in (unspaced(plain), leet(plain)):
        if other != plain:
            signs += [*_deeper(_in_plain(other), signs, "hidden", 6)]
    for inner in within(plain):
        signs += [*_deeper(_in_plain(folded(inner)), signs, "encoded", 8)]
    if tags:
        signs += [Sign("hidden", 10, "tag characters"), *_in_plain(folded(tags))]
    if cut > 2 or turned:
        signs.append(Sign("hidden", 5 if cut > 2 else 3, "characters that are not shown"))
    if alike:
        signs.append(Sign("hidden", 3 if alike == 1 else 5, "letters of other scripts"))
    return signs


def _deeper(inner: list[Sign], outer: list[Sign], kind: Kind, weight: int) -> list[Sign]:
    """Signs that show only once a text is decoded, with one for that."""
    before = {sign.kind: sign.weight for sign in outer}
    new = [sign for sign in inner if sign.weight >= POSSIBLE and sign.weight > before.get(sign.kind, 0)]
    return [*new, Sign(kind, weight, new[0].evidence)] if new else []


def _in_plain(text: str) -> list[Sign]:
    signs = [Sign(kind, weight, _shown(found)) for kind, weight, found in marked(text)]
    return signs + _by_rules(text, meanings(text))


def _by_rules(text: str, found: list[Meaning]) -> list[Sign]:
    places: dict[str, list[int]] = {}
    for one in found:
        places.setdefault(one.concept, []).append(one.at)
    # Most rules cannot hold, because something of them is nowhere in the text.
    open_rules = {
        concept: [rule for rule in _BY_MEMBER.get(concept, ()) if all(member in places for member in rule.members)]
        for concept in places
    }
    last: dict[str, Meaning] = {}
    signs: list[Sign] = []
    for one in found:
        last[one.concept] = one
        for rule in open_rules[one.concept]:
            first = _all_near(rule, last, one)
            if first is None or _taken_back(rule, places, first.at, one.at):
                continue
            signs.append(Sign(rule.kind, rule.weight, _shown(text[first.start : one.end])))
            for member in rule.members:  # once is enough
                open_rules[member] = [other for other in open_rules[member] if other is not rule]
    return signs


def _all_near(rule: Rule, last: dict[str, Meaning], here: Meaning) -> Meaning | None:
    """The first of a rule's meanings, if all of them stand near enough before this place."""
    first, starts = here, set()
    for member in rule.members:
        its = last.get(member)
        if its is None or here.at - its.at > rule.within:
            return None
        starts.add(its.start)
        if its.at < first.at:
            first = its
    return first if len(starts) == len(rule.members) else None  # one word is one of them, not two


def _taken_back(rule: Rule, places: dict[str, list[int]], first: int, end: int) -> bool:
    for concept in rule.unless:
        at = places.get(concept, [])
        index = bisect_left(at, first - 1)
        if index < len(at) and at[index] <= end + _NEAR:
            return True
    return False


def _shown(evidence: str) -> str:
    return " ".join(evidence.split())[:EVIDENCE]
