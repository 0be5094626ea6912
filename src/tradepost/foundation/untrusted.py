"""Free text written by outsiders: cleaned of what a person cannot see, capped, under a key named `untrusted`.

Invisible characters carry instructions past a reviewer's eye; NFKC does not remove them (security.md §2 row 4).
"""

import re
import unicodedata

from typing_extensions import TypedDict

DEFAULT_CAP = 500
MARK = "x-untrusted-text"  # in output schemas: what stands here is what outsiders wrote

_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn"}
# Hidden, and yet printable for Python.
_PRINTABLE_HIDDEN = re.compile("[\u115f\u1160\u3164\uffa0\u2800\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_HIDING_ESCAPE = re.compile(rb"\\[ubfr]")  # of JSON; one literal byte first makes the search several times as fast
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


def _is_visible(text: str) -> bool:
    """Whether it is certain that nothing in a text is hidden; quick, and wrong only about rare kinds of blanks."""
    printable = text.isprintable() or text.replace("\n", "").replace("\t", "").isprintable()
    return printable and (text.isascii() or _PRINTABLE_HIDDEN.search(text) is None)


def may_need_cleaning(source: bytes, cap: int) -> bool:
    """Whether `clean` may change any of the texts in a JSON text. No is certain, yes is not."""
    if len(source) > cap or b"\x7f" in source:
        return True
    if b"\\" in source and _HIDING_ESCAPE.search(source):  # to look for one byte is a hundred times quicker
        return True
    return not (source.isascii() or _is_visible(source.decode()))


def clean(text: str, cap: int = DEFAULT_CAP) -> str:
    """The text without control, format, tag, selector and filler characters; cut at `cap` with a visible mark."""
    if not _is_visible(text):
        text = "".join(character for character in text if not _is_hidden(character))
    return text if len(text) <= cap else text[:cap] + f"… [{len(text) - cap} more characters]"


def hidden_in(text: str) -> int:
    """How many characters `clean` takes out of a text, its cap aside."""
    return 0 if _is_visible(text) else sum(map(_is_hidden, text))


def with_hidden_shown(text: str) -> str:
    """The text with \\u{200b} in place of each character that `clean` takes out: for whoever has to judge it."""
    if _is_visible(text):
        return text
    return "".join(f"\\u{{{ord(one):x}}}" if _is_hidden(one) else one for one in text)


def untrusted(text: str | None, cap: int = DEFAULT_CAP) -> UntrustedText | None:
    """The marked, cleaned form of an outsider's text; None stays None."""
    return None if text is None else {"untrusted": clean(text, cap)}
