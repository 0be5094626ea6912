"""Conditions about a text that name words: one of a list, how it begins or ends, what it has in it, a pattern.

Of a pattern only what every text that fits it has is looked at: the letters that it begins with, or some within.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

IN, STARTS, ENDS, HAS = "in", "startsWith", "endsWith", "contains"
MATCHES = "matches"

_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    IN: str.__eq__,
    STARTS: str.startswith,
    ENDS: str.endswith,
    HAS: str.__contains__,
}
_OPTIONAL = frozenset("*?{")
_ENDS_SCAN = frozenset("([")  # a group or a class: what is behind is left to the engine
_BREAKS = frozenset(".^$+)]}")


class Worded(NamedTuple):
    """The text at a path is one of the words, or begins with, ends with or has the only one. It has to hold."""

    path: str
    sign: str
    words: tuple[str, ...]

    def is_false(self, text: str) -> bool:
        """Whether it does not hold of a text."""
        test = _TESTS[self.sign]
        return not any(test(text, word) for word in self.words)


def worded(tokens: Sequence[str]) -> Worded | None:
    """What a condition of these tokens asks of a text; None where it is no such condition."""
    if IN in tokens:
        at = tokens.index(IN)
        path, words = plain_path(tokens[:at]), _listed(tokens[at + 1 :])
        return None if path is None or words is None else Worded(path, IN, words)
    if len(tokens) < 8 or tokens[-1] != ")" or tokens[-3] != "(" or tokens[-5] != ".":
        return None
    path, sign, said = plain_path(tokens[:-5]), tokens[-4], tokens[-2]
    if path is None:
        return None
    if sign == MATCHES:
        return _of_pattern(path, said)
    word = plain_text([said])
    return Worded(path, sign, (word,)) if word is not None and sign in (STARTS, ENDS, HAS) else None


def plain_path(tokens: Sequence[str]) -> str | None:
    """A variable and its members ("args.reason")."""
    names, dots = tokens[::2], tokens[1::2]
    if len(names) < 2 or len(dots) != len(names) - 1 or any(dot != "." for dot in dots):
        return None
    return "".join(tokens) if all(name.isidentifier() for name in names) else None


def plain_text(tokens: Sequence[str]) -> str | None:
    """A text in plain quotes, without anything that stands for something else."""
    if len(tokens) != 1 or len(tokens[0]) < 2 or tokens[0][0] not in "\"'":
        return None
    mark, inner = tokens[0][0], tokens[0][1:-1]
    return None if mark in inner or "\\" in inner else inner


def _listed(tokens: Sequence[str]) -> tuple[str, ...] | None:
    if len(tokens) < 3 or tokens[0] != "[" or tokens[-1] != "]" or any(one != "," for one in tokens[2:-1:2]):
        return None
    words = [plain_text([one]) for one in tokens[1:-1:2]]
    known = tuple(word for word in words if word is not None)
    return known if len(known) == len(words) and len(tokens) == 2 * len(words) + 1 else None


def _of_pattern(path: str, said: str) -> Worded | None:
    pattern = _pattern(said)
    if pattern is None or "|" in pattern or "(?" in pattern:
        return None  # one of several, or letters that mean others
    anchored = pattern.startswith("^")
    runs = _runs(pattern.removeprefix("^"))
    if anchored and runs[0]:
        return Worded(path, STARTS, (runs[0],))
    longest = max(runs, key=len)
    return Worded(path, HAS, (longest,)) if longest else None


def _pattern(said: str) -> str | None:
    """The pattern as it is written; in raw quotes a backslash stands for itself."""
    if said[:1] not in ("r", "R"):
        return plain_text([said])
    mark, inner = said[1], said[2:-1]
    return None if mark not in "\"'" or mark in inner else inner


def _runs(pattern: str) -> list[str]:
    """The letters that each text has that fits, in runs; the first run is where the pattern begins."""
    runs, at = [""], 0
    while at < len(pattern) and pattern[at] not in _ENDS_SCAN:
        letter, at = pattern[at], at + 1
        if letter == "\\":
            escaped, at = pattern[at : at + 1], at + 1
            if escaped.isalnum() or not escaped.isascii():
                break  # \d, \b, \x41
            runs[-1] += escaped
        elif letter in _OPTIONAL:
            runs[-1] = runs[-1][:-1]  # the letter before it may be missing
            runs.append("")
            if letter == "{":
                break
        elif letter in _BREAKS:
            runs.append("")
        else:
            runs[-1] += letter
    return runs
