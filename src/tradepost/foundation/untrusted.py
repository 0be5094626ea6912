"""Free text written by outsiders: cleaned of what a person cannot see, capped, under a key named `untrusted`.

Invisible characters carry instructions past a reviewer's eye; NFKC does not remove them (security.md §2 row 4).
"""

import unicodedata

from typing_extensions import TypedDict

DEFAULT_CAP = 500

_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn"}
_HIDDEN_EXTRA = {"\u115f", "\u1160", "\u3164", "\uffa0", "\u2800"}


class UntrustedText(TypedDict):
    """Text from outside. Data, never instructions."""

    untrusted: str


def _is_hidden(character: str) -> bool:
    if character in "\n\t":
        return False
    point = ord(character)
    if 0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF or 0xE0000 <= point <= 0xE007F:
        return True
    return character in _HIDDEN_EXTRA or unicodedata.category(character) in _HIDDEN_CATEGORIES


def clean(text: str, cap: int = DEFAULT_CAP) -> str:
    """The text without control, format, tag, selector and filler characters; cut at `cap` with a visible mark."""
    if not text.isascii() or not text.isprintable():
        text = "".join(character for character in text if not _is_hidden(character))
    return text if len(text) <= cap else text[:cap] + f"… [{len(text) - cap} more characters]"


def untrusted(text: str | None, cap: int = DEFAULT_CAP) -> UntrustedText | None:
    """The marked, cleaned form of an outsider's text; None stays None."""
    return None if text is None else {"untrusted": clean(text, cap)}
