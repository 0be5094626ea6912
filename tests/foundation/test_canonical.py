"""Canonical JSON: one meaning, one text, one digest; nothing that two parsers read differently."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tradepost.foundation.canonical import canonical, digest, parse_strict
from tradepost.foundation.errors import InvalidArgument

NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def test_the_rfc_example_of_numbers_and_key_order() -> None:
    value = {"numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001], "\u20ac": 1, "a": None}
    text = '{"a":null,"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"\u20ac":1}'
    assert canonical(value).decode() == text


def test_one_and_one_point_zero_are_the_same_argument() -> None:
    assert digest({"amount": 1}) == digest({"amount": 1.0})
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


@given(VALUES)
def test_canonical_text_reads_back_and_is_stable(value: object) -> None:
    text = canonical(value)
    assert canonical(parse_strict(text)) == text


@given(VALUES)
def test_every_value_has_the_text_that_the_rfc_gives_it(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_every_character_has_the_text_that_the_rfc_gives_it() -> None:
    characters = [chr(code) for code in (*range(0x3000), *range(0xE000, 0xFFFF, 7), *range(0x10000, 0x110000, 999))]
    assert canonical(characters) == rfc8785.dumps(characters)
    keyed = {character: number for number, character in enumerate(characters)}
    assert canonical(keyed) == rfc8785.dumps(keyed)


def test_deep_values_too() -> None:
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    assert canonical(deep) == rfc8785.dumps(deep)


@pytest.mark.behaviour("security 2.31")
@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"x":{"a":1,"b":2,"a":3}}',
        "NaN",
        "[Infinity]",
        "[-Infinity]",
        "1e400",
        "9" * 400,
        '"\\ud800"',
        '"a\\u0000b"',
        "[" * 5000 + "]" * 5000,
        "[" * 200 + "]" * 200,
        '{"a":1}{"b":2}',
        "",
        "{",
        b"\xff\xfe",
    ],
)
def test_ambiguous_or_hostile_json_is_refused_in_one_sentence(text: str | bytes) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse_strict(text)
    assert len(refused.value.message) < 300


def test_what_a_double_cannot_carry_has_no_canonical_text() -> None:
    with pytest.raises(InvalidArgument):
        canonical({"big": 2**60 + 1})
    with pytest.raises(InvalidArgument):
        canonical(float("nan"))


def test_strict_parsing_gives_what_json_gives() -> None:
    text = '{"a": [1, 2.5, "é", null, true], "b": {"c": "𝄞"}}'
    assert parse_strict(text) == json.loads(text)
