"""Conditions in CEL: checked when they are saved, compiled once, bounded when they run.

The engine cannot be interrupted, so what a condition may cost is known before it runs: its own weight, found when it is
compiled, times the size of what it looks at. Whatever is too much, or goes wrong, raises Unevaluable: then a person is
asked.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tradepost.hub.policy.engine import cel
from tradepost.hub.policy.reading import FUNCTIONS, Reader, wrong
from tradepost.hub.policy.screening import Screen, screen_of
from tradepost.hub.policy.size import MOST_WORK, SMALL, Size, Unevaluable, Weight
from tradepost.hub.policy.surely import Surely, surely_false
from tradepost.hub.policy.worded import Worded

MAX_LENGTH = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition. `names` are the variables it looks at, `totals` the running totals ("agent.money"),
    `arguments` the ones that it names (None: any). `fits_small`: what is small is never too much for it. Of what is
    small, `surely_false` may tell from the values of `paths` that it does not hold, and `screen` is one of its
    comparisons that say so."""

    source: str
    program: Any
    names: frozenset[str]
    call_members: frozenset[str]
    totals: frozenset[str]
    arguments: frozenset[str] | None
    weight: Weight
    fits_small: bool
    paths: frozenset[str]
    surely_false: Surely | None
    screen: Screen | Worded | None

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
        raise wrong(f"A condition has at most {MAX_LENGTH} characters; this has {len(source)}.")
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise wrong(_said(str(error))) from None
    found = Reader(source).read()
    unknown = {name for name in program.functions() if name.isidentifier() and name not in FUNCTIONS}
    if unknown:
        raise wrong(f"There is no function '{min(unknown)[:60]}'.", f"There are {', '.join(sorted(FUNCTIONS))}.")
    fits_small = found.weight.work(SMALL) <= MOST_WORK
    paths: set[str] = set()
    surely = surely_false(found.words, paths) if fits_small else None
    return Expression(
        source,
        program,
        frozenset(found.names),
        frozenset(found.members),
        frozenset(found.totals),
        None if "" in found.arguments else frozenset(found.arguments),
        found.weight,
        fits_small,
        frozenset(paths),
        surely,
        screen_of(found.words) if fits_small else None,
    )


def _said(text: str) -> str:
    """The first complaint of the parser, with its place."""
    found = re.search(r"<input>:([0-9]+):([0-9]+): (.*)", text)
    if found is None:
        return "The condition is not understood."
    words = found[3].split(" expecting ")[0].replace("Syntax error: ", "").strip()
    return f"The condition is not understood at line {found[1]}, column {found[2]}: {words[:160]}."
