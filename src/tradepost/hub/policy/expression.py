"""Conditions in CEL: checked when they are saved, compiled once, bounded when they run.

The engine cannot be interrupted, so what a condition may cost is known before it runs: its own weight, found when it is
compiled, times the size of what it looks at. Whatever is too much, or goes wrong, raises Unevaluable: then a person is
asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cel

from tradepost.foundation.errors import InvalidArgument

MAX_LENGTH = 2_000  # characters
MAX_DEPTH = 30  # of brackets
MAX_PATTERN = 100  # characters of a regular expression
MOST_WORK = 200_000  # about 20 ms: a unit is 0.1 microseconds

# What a condition may name, with the members that are known; None has whatever is there.
VARIABLES: Mapping[str, frozenset[str] | None] = {
    "args": None,
    "effect": None,
    "call": frozenset({"amount", "currency", "unit", "quantity", "customer"}),
    "principal": frozenset({"kind", "scopes", "attributes", "role"}),
    "tool": frozenset({"name", "class", "server", "moves_money"}),
    "tainted": frozenset(),
    "now": frozenset({"hour", "minute", "weekday", "date"}),
    "totals": frozenset({"agent", "customer", "workspace"}),
}
TOTALS = frozenset({"money", "count", "quantity", "all_money", "all_count"})
FUNCTIONS = frozenset(
    """size contains startsWith endsWith matches has all exists exists_one map filter int uint double string bool type
    timestamp duration getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes
    getSeconds dyn""".split()
)
_SMALL = (100, 20, 4_000)  # values, the longest list, characters
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


class Unevaluable(Exception):
    """A condition that gave no answer; the text says why."""


@dataclass(slots=True)
class _Weight:
    """What a run costs, by depth of loops: whole inputs that are looked at, other steps, copying loops, patterns."""

    looks: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    steps: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    copies: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    patterns: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    sums: int = 0
    longest: int = 1

    def work(self, size: "Size") -> float:
        """About how many units a run on inputs of this size takes, at worst."""
        many = max(size.longest, self.longest) * (1 + self.sums)
        text = size.text * (1 + self.sums) / 250
        found = 0.0
        for depth in range(len(self.steps)):
            times = many**depth
            found += times * self.looks[depth] * (size.nodes + text)
            found += times * self.steps[depth] * (20 + text)
            found += times * self.copies[depth] * many * many * (5 + text)
            found += times * self.patterns[depth] * (5_000 + text)
        return found


@dataclass(frozen=True, slots=True)
class Size:
    """How much a condition would look at: values, the longest list or object, characters of text."""

    nodes: int = 1
    longest: int = 1
    text: int = 0
    is_small: bool = True


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition. `names` are the variables it looks at, `totals` the running totals ("agent.money"),
    `arguments` the ones that it names (None: any). `fits_small`: what is small is never too much for it."""

    source: str
    program: Any
    names: frozenset[str]
    call_members: frozenset[str]
    totals: frozenset[str]
    arguments: frozenset[str] | None
    weight: _Weight
    fits_small: bool

    def holds(self, context: Any, size: Size) -> bool:
        """Whether it holds for the variables in a context, of which the largest are of this size. Raises
        Unevaluable."""
        if not (self.fits_small and size.is_small) and self.weight.work(size) > MOST_WORK:
            raise Unevaluable("the arguments are too large for it")
        try:
            found = self.program.execute(context)
        except KeyError as error:
            raise Unevaluable(f"there is no {str(error.args[0])[:60] if error.args else 'such value'}") from None
        except (TypeError, ValueError, RuntimeError, ArithmeticError, IndexError) as error:
            raise Unevaluable(str(error).split(". ")[0][:160]) from None
        if not isinstance(found, bool):
            raise Unevaluable("it gives no yes or no")
        return found


@lru_cache(maxsize=4_096)
def compiled(source: str) -> Expression:
    """A condition, checked and ready. Raises InvalidArgument with the place of what is wrong."""
    if len(source) > MAX_LENGTH:
        raise _wrong(f"A condition has at most {MAX_LENGTH} characters; this has {len(source)}.")
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise _wrong(_said(str(error))) from None
    found = _Reader(source).read()
    unknown = {name for name in program.functions() if name.isidentifier() and name not in FUNCTIONS}
    if unknown:
        raise _wrong(f"There is no function '{min(unknown)[:60]}'.", f"There are {', '.join(sorted(FUNCTIONS))}.")
    return Expression(
        source,
        program,
        frozenset(found.names),
        frozenset(found.members),
        frozenset(found.totals),
        None if "" in found.arguments else frozenset(found.arguments),
        found.weight,
        found.weight.work(Size(*_SMALL)) <= MOST_WORK,
    )


class _Reader:
    """Goes through the tokens of a condition once: names are known, brackets close, loops are weighed."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = [one for one in _TOKEN.finditer(source) if one.lastgroup != "space"]
        self.names: set[str] = set()
        self.members: set[str] = set()
        self.totals: set[str] = set()
        self.arguments: set[str] = set()
        self.weight = _Weight()
        self._bound: list[str] = []  # the variable of each loop that is open, in order
        self._open: list[bool] = []  # for each open bracket whether it is a loop's

    def read(self) -> "_Reader":
        for at, token in enumerate(self._tokens):
            text, kind = token.group(), token.lastgroup
            if kind == "name":
                self._name(at, text)
            elif kind == "sign":
                self._sign(at, text)
            self.weight.steps[len(self._bound)] += 1
        return self

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
        return _wrong(f"{message} (line {line}, column {column})", hint)


def size_of(value: Any, most: int = 20_000) -> Size:
    """How large a JSON value is. Raises Unevaluable for one that is deeper or larger than any condition may see."""
    nodes = text = 0
    longest = 1
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for one in level:
            if isinstance(one, str):
                text += len(one)
            elif isinstance(one, Mapping):
                longest = max(longest, len(one))
                below += one.values()
                text += sum(map(len, one))
            elif isinstance(one, list | tuple):
                longest = max(longest, len(one))
                below += one
        nodes += len(level)
        if nodes + len(below) > most:
            break
        if not below:
            return Size(nodes, longest, text, nodes <= _SMALL[0] and longest <= _SMALL[1] and text <= _SMALL[2])
        level = below
    raise Unevaluable("the arguments are too large for any condition")


def _said(text: str) -> str:
    """The first complaint of the parser, with its place."""
    found = re.search(r"<input>:([0-9]+):([0-9]+): (.*)", text)
    if found is None:
        return "The condition is not understood."
    words = found[3].split(" expecting ")[0].replace("Syntax error: ", "").strip()
    return f"The condition is not understood at line {found[1]}, column {found[2]}: {words[:160]}."


def _list(names: frozenset[str]) -> str:
    return f"There is {', '.join(sorted(names))}."


def _wrong(message: str, hint: str = "") -> InvalidArgument:
    return InvalidArgument(
        message, hint=hint or "docs/how-to/limit-what-agents-may-do.md shows what there is.", field="when"
    )
