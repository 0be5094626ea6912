"""Reads a condition once when it is saved: its names are known, its brackets close, and what it costs is weighed."""

import re
from collections.abc import Mapping

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.policy.engine import cel
from tradepost.hub.policy.size import Weight

MAX_DEPTH = 30  # of brackets
MAX_PATTERN = 100  # characters of a regular expression

# What a condition may name, with the members that are known; None has whatever is there.
VARIABLES: Mapping[str, frozenset[str] | None] = {
    "args": None,
    "effect": None,
    "call": frozenset({"amount", "currency", "unit", "quantity", "customer"}),
    "principal": frozenset({"kind", "scopes", "attributes", "role"}),
    "tool": frozenset({"name", "class", "server", "moves_money"}),
    "tainted": frozenset(),
    "signal": frozenset({"level", "kinds"}),
    "now": frozenset({"hour", "minute", "weekday", "date"}),
    "totals": frozenset({"agent", "customer", "workspace"}),
}
TOTALS = frozenset({"money", "count", "quantity", "all_money", "all_count"})
FUNCTIONS = frozenset(
    """size contains startsWith endsWith matches has all exists exists_one map filter int uint double string bool type
    timestamp duration getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes
    getSeconds dyn""".split()
)
_LOOPS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_COPYING = frozenset({"map", "filter"})  # each round copies what came before
_RESERVED = frozenset({"true", "false", "null", "in"})
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<text>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''
                             |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
      | (?P<number>[0-9][0-9A-Za-z_.]*|\.[0-9]+)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign>&&|\|\||[<>=!]=|.)""",
    re.VERBOSE | re.DOTALL,
)


class Reader:
    """Goes through the tokens of a condition once: names are known, brackets close, loops are weighed."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = [one for one in _TOKEN.finditer(source) if one.lastgroup != "space"]
        self.names: set[str] = set()
        self.members: set[str] = set()
        self.totals: set[str] = set()
        self.arguments: set[str] = set()
        self.weight = Weight()
        self._bound: list[str] = []  # the variable of each loop that is open, in order
        self._open: list[bool] = []  # for each open bracket whether it is a loop's

    def read(self) -> "Reader":
        """Raises InvalidArgument with the place of what is wrong."""
        for at, token in enumerate(self._tokens):
            text, kind = token.group(), token.lastgroup
            if kind == "name":
                self._name(at, text)
            elif kind == "sign":
                self._sign(at, text)
            self.weight.steps[len(self._bound)] += 1
        return self

    @property
    def words(self) -> list[str]:
        """The tokens as they are written."""
        return [token.group() for token in self._tokens]

    def _name(self, at: int, text: str) -> None:
        before, after = self._text(at - 1), self._text(at + 1)
        if before == ".":
            if after == "(" and text == "matches":
                self._pattern(at)
            return
        if text in _RESERVED or after == "(" or text in self._bound:
            return
        if after == ":" and before in ("{", ","):
            raise self._at(at, f"The key '{text[:40]}' of an object has to be in quotes.")
        if text not in VARIABLES:
            raise self._at(at, f"There is no variable '{text[:40]}'.", f"There are {', '.join(VARIABLES)}.")
        self.names.add(text)
        self.weight.looks[len(self._bound)] += 1
        self._members(at, text)

    def _members(self, at: int, variable: str) -> None:
        if variable == "args":
            by_name = self._text(at + 1) == "." and self._text(at + 2).isidentifier()
            self.arguments.add(self._text(at + 2) if by_name else "")
        known = VARIABLES[variable]
        if known is None:
            return
        if self._text(at + 1) != ".":
            if variable in ("call", "totals"):
                raise self._at(at, f"'{variable}' has to be followed by one of its members.", _list(known))
            return
        member = self._text(at + 2)
        if member not in known:
            raise self._at(at + 2, f"'{variable}' has no '{member[:40]}'.", _list(known))
        if variable == "call":
            self.members.add(member)
        if variable == "totals":
            total = self._text(at + 4) if self._text(at + 3) == "." else ""
            if total not in TOTALS:
                raise self._at(at + 4, f"'totals.{member}' has no '{total[:40]}'.", _list(TOTALS))
            self.totals.add(f"{member}.{total}")

    def _sign(self, at: int, text: str) -> None:
        if text in "([{":
            loop = text == "(" and self._text(at - 2) == "." and self._text(at - 1) in _LOOPS
            if len(self._open) >= MAX_DEPTH:
                raise self._at(at, f"Brackets go at most {MAX_DEPTH} deep.")
            self._open.append(loop)
            if loop:
                if len(self._bound) + 1 >= len(self.weight.steps):
                    raise self._at(at, "Loops go at most three deep.")
                self.weight.copies[len(self._bound)] += self._text(at - 1) in _COPYING
                self._bound.append(self._text(at + 1))
        elif text in ")]}":
            if self._open and self._open.pop():
                self._bound.pop()
        elif text == "+":
            self.weight.sums += 1
        elif text == ",":
            self.weight.longest += 1
        elif text == ".":
            if self._text(at - 1) in ("", "(", ",", "&&", "||", "!"):
                raise self._at(at, "A name cannot begin with a dot.")
        elif text in ("@", "`", "\\"):
            raise self._at(at, f"'{text}' is not understood here.")

    def _pattern(self, at: int) -> None:
        token = self._tokens[at + 2] if at + 2 < len(self._tokens) else None
        if token is None or token.lastgroup != "text" or self._text(at + 3) != ")":
            raise self._at(
                at, "The pattern of matches() has to be written out.", 'For example args.sku.matches("^A-").'
            )
        if len(token.group()) > MAX_PATTERN:
            raise self._at(at + 2, f"A pattern has at most {MAX_PATTERN} characters.")
        if re.search(r"\{[0-9]", token.group()):
            raise self._at(at + 2, "A pattern cannot count: {n} takes too long to prepare.", "Write it out, or use +.")
        try:
            cel.compile(f'"".matches({token.group()})').execute()
        except (ValueError, RuntimeError) as error:
            raise self._at(at + 2, f"The pattern is wrong: {str(error).splitlines()[0][:160]}") from None
        self.weight.patterns[len(self._bound)] += 1

    def _text(self, at: int) -> str:
        return self._tokens[at].group() if 0 <= at < len(self._tokens) else ""

    def _at(self, at: int, message: str, hint: str = "") -> InvalidArgument:
        place = self._tokens[at].start() if at < len(self._tokens) else len(self._source)
        line = self._source.count("\n", 0, place) + 1
        column = place - (self._source.rfind("\n", 0, place) + 1) + 1
        return wrong(f"{message} (line {line}, column {column})", hint)


def _list(names: frozenset[str]) -> str:
    return f"There is {', '.join(sorted(names))}."


def wrong(message: str, hint: str = "") -> InvalidArgument:
    """The refusal of a condition."""
    return InvalidArgument(
        message, hint=hint or "docs/how-to/limit-what-agents-may-do.md shows what there is.", field="when"
    )
