"""How big a regular expression is for the linear engine that compiles and runs it: about the number of its states.

Compiling takes time in proportion to it. The engine repeats what a count says ("x{100}" is a hundred x), and one
Unicode class is an automaton of hundreds of states. Running takes nanoseconds for each character, except where so many
states can hold at once that the engine's table of them overflows again and again.
"""

import re

MOST = 1_000_000  # a weight is never said to be more
_ANY = 8  # "." and negated classes: every character of UTF-8
_UNICODE = 600  # \p{L} and the like
_TOKEN = re.compile(
    r"""(?P<open>\((?:\?(?:P?<[^>]*>|[a-zA-Z-]+:|[a-zA-Z-]+(?=\))|[:=!]))?)
      | (?P<close>\))
      | (?P<count>\{(?P<least>[0-9]+)(?:,(?P<most>[0-9]*))?\})
      | (?P<unicode>\\[pP](?:\{[^}]*\}|.) | \[(?:\\[^pP]|[^\]\\])*\\[pP](?:\\.|[^\]\\])*\])
      | (?P<any>\.|\\[DSW]|\[\^(?:\\.|[^\]\\])*\]|\[(?:\\.|[^\]\\])*(?:\\[DSW]|[^\x00-\x7f])(?:\\.|[^\]\\])*\])
      | (?P<one>\[(?:\\.|[^\]\\])*\]|\\.|.)""",
    re.VERBOSE | re.DOTALL,
)
_ATOM = r"(?:\[(?:\\.|[^\]\\])*\]|\\.|[^\\()\[\]{}|*+?^$])"
# One atom after the other, and only the last may stand for a changing number of characters: one state at a time.
_STRAIGHT = re.compile(rf"\^(?:{_ATOM}(?:\{{[0-9]+\}})?)*(?:{_ATOM}(?:[*+?]|\{{[0-9]+,[0-9]*\}}))?\$?")
_FEW_STATES = 14  # whose combinations all fit into the engine's table
_WEIGHTS = {"unicode": _UNICODE, "any": _ANY, "one": 1}


def pattern_weight(pattern: str) -> int:
    """The weight of a pattern, at most MOST."""
    groups, last = [0], 0
    for token in _TOKEN.finditer(pattern):
        kind = str(token.lastgroup if token["count"] is None else "count")
        if kind == "open":
            groups.append(0)
            last = 0
            continue
        if kind == "close":
            last = groups.pop() if len(groups) > 1 else last
        elif kind == "count":
            times = max(int(token["least"][:7]), int((token["most"] or "0")[:7]), 1)
            groups[-1] = min(groups[-1] - last, MOST)
            last = min(last * times, MOST)
        else:
            last = _WEIGHTS[kind]
        groups[-1] = min(groups[-1] + last, MOST)
    return min(sum(groups), MOST)


def character_steps(pattern: str, weight: int) -> int:
    """What looking at one character takes at worst, in steps of 20 ns."""
    if _STRAIGHT.fullmatch(pattern):
        return 1
    return 3 if weight <= _FEW_STATES else 50 + weight
