"""Outsiders' text: what a person cannot see does not reach a model."""

import pytest

from tradepost.foundation.untrusted import clean, untrusted

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
