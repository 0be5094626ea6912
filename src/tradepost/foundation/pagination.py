"""Lists (commerce.md C4): a bounded limit, an opaque keyset cursor, a stable order."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tradepost.foundation.canonical import canonical, parse_strict
from tradepost.foundation.errors import InvalidArgument

DEFAULT_LIMIT = 20
MAX_LIMIT = 50
MAX_CURSOR_CHARACTERS = 1024
EXACT_ESTIMATE_UP_TO = 10_000
MAX_OFFSET = 1_000_000


@dataclass(frozen=True, slots=True)
class Keyset:
    """Where the last page ended: the values of the sort columns of its last row."""

    values: tuple[Any, ...]


def encode_cursor(kind: str, values: Sequence[Any]) -> str:
    """An opaque text for the sort values of a row; `kind` names the list and its order."""
    return base64.urlsafe_b64encode(canonical([kind, *values])).decode().rstrip("=")


def decode_cursor(kind: str, cursor: str | None, length: int) -> Keyset | None:
    """The sort values behind a cursor of the same list, None for none. Raises InvalidArgument for any other text."""
    if cursor is None:
        return None
    refused = InvalidArgument(
        "The cursor is not one that this list gave.",
        hint="Pass next_cursor of the last page unchanged, with the same filters, or leave it out.",
        field="cursor",
    )
    if not cursor or len(cursor) > MAX_CURSOR_CHARACTERS:
        raise refused
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = parse_strict(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, InvalidArgument):
        raise refused from None
    if not isinstance(values, list) or len(values) != length + 1 or values[0] != kind:
        raise refused
    if any(isinstance(value, dict | list) for value in values):
        raise refused
    return Keyset(tuple(values[1:]))


def decode_offset(kind: str, cursor: str | None) -> int:
    """Where a page of a ranking begins: rankings have no column to go on from, so their cursors hold a place. Raises
    InvalidArgument for the cursor of another list."""
    after = decode_cursor(kind, cursor, 1)
    place = after.values[0] if after is not None else 0
    if type(place) is not int or not 0 <= place <= MAX_OFFSET:
        raise InvalidArgument("The cursor is not one that this list gave.", field="cursor")
    return place
