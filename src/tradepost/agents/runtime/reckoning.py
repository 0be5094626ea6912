"""Sums as agents need them: exact, in decimal figures, with nothing but numbers and the signs between them."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow

MAX_CHARACTERS = 200
MAX_POWER = 100
_NUMBER = re.compile(r"[0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9]+)?")
_FIGURES = Context(prec=40, Emax=60, Emin=-60, traps=[DivisionByZero, InvalidOperation, Overflow])
_SIGNS: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: _FIGURES.add,
    ast.Sub: _FIGURES.subtract,
    ast.Mult: _FIGURES.multiply,
    ast.Div: _FIGURES.divide,
    ast.Mod: _FIGURES.remainder,
    ast.Pow: lambda base, power: _FIGURES.power(base, _small(power)),
}
_ALONE: Mapping[type[ast.unaryop], Callable[[Decimal], Decimal]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


class Unreadable(ValueError):
    """This is no sum; the message says why."""


def result_of(text: str) -> str:
    """What a sum comes to, without trailing zeros. Raises Unreadable."""
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(f"it has more than {MAX_CHARACTERS} characters; reckon in steps")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        found = _value(tree.body, text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable("it is written in a way that cannot be read; use numbers, + - * / % ** and brackets") from None
    except DivisionByZero:
        raise Unreadable("it divides by zero") from None
    except (InvalidOperation, Overflow):
        raise Unreadable("its figures are too large, or it has no result") from None
    plain = f"{found:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _value(node: ast.expr, text: str) -> Decimal:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        written = ast.get_source_segment(text, node) or ""  # 0.1 as it stands there, not as the nearest binary one
        if not _NUMBER.fullmatch(written):
            raise Unreadable("it is written in a way that cannot be read; use decimal figures")
        return _FIGURES.create_decimal(written.replace("_", ""))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _ALONE:
        return _ALONE[type(node.op)](_value(node.operand, text))
    if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
        return _SIGNS[type(node.op)](_value(node.left, text), _value(node.right, text))
    raise Unreadable("only numbers, + - * / % ** and brackets go; no names and no calls")


def _small(power: Decimal) -> Decimal:
    if power != power.to_integral_value() or abs(power) > MAX_POWER:
        raise Unreadable(f"a power is a whole number up to {MAX_POWER}")
    return power
