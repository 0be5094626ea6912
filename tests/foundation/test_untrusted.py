"""Outsiders' text: what a person cannot see does not reach a model."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradepost.foundation.untrusted import clean, may_need_cleaning, untrusted

HIDDEN = {
    "tags": "\U000e0041\U000e0042",
    "zero width": "\u200b\u200d\ufeff",
    "bidi": "\u202e\u2066",
    "variation selectors": "\ufe0f\U000e0101",
    "hangul fillers": "\u3164\u115f",
    "soft hyphen": "\u00ad",
    "escape": "\x1b[2J",
    "carriage return and NUL": "\r\0",
}


@pytest.mark.behaviour("security 2.4")
@pytest.mark.parametrize("name", HIDDEN)
def test_invisible_characters_are_removed(name: str) -> None:
    cleaned = clean(f"left{HIDDEN[name]}right")
    assert "left" in cleaned
    assert all(character.isprintable() for character in cleaned)


def test_long_text_is_cut_visibly_and_plain_text_is_kept() -> None:
    assert clean("Größe 38,\npasst nicht – 漢字 ✓") == "Größe 38,\npasst nicht – 漢字 ✓"
    assert clean("x" * 600).endswith("[100 more characters]")
    assert untrusted(None) is None
    assert untrusted("a\u200bb") == {"untrusted": "ab"}


def test_every_character_is_judged_by_its_kind() -> None:
    """`clean` takes short cuts for texts that are certainly visible; they never decide otherwise than the kind does."""
    for point in (*range(0x3400), *range(0xD7F0, 0x11000), *range(0x1F000, 0x20000), *range(0xE0000, 0xE0200)):
        character = chr(point)
        kept = clean(character)
        hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") and character not in "\n\t"
        selector = 0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF
        filler = character in "\u115f\u1160\u3164\uffa0\u2800"
        assert kept == ("" if hidden or selector or filler else character), hex(point)


TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from("\n\t\r\b\f\x7f\u200b\u3164\ufe0f\\ub/é"))


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=5),
    st.booleans(),
    st.sampled_from([5, 50, 500]),
)
def test_a_json_text_that_needs_no_cleaning_has_only_texts_that_need_none(value: Any, in_ascii: bool, cap: int) -> None:
    source = json.dumps(value, ensure_ascii=in_ascii, indent=1 if cap == 50 else None).encode()
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            assert clean(part, cap) == part or may_need_cleaning(source, cap)
        else:
            stack.extend(part.values() if isinstance(part, dict) else part)


def test_usual_texts_need_no_second_look() -> None:
    assert not may_need_cleaning(b'{"a": "b\\n\\tc \\" \\\\"}', 100)
    assert not may_need_cleaning('{\n "a": "Größe 38 – 漢字 ✓"}'.encode(), 100)
    assert may_need_cleaning(b'{"a": "b"}', 5)
