"""Cursors: opaque, of one list only, never a crash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.pagination import decode_cursor, encode_cursor


def test_a_cursor_gives_back_its_values() -> None:
    cursor = encode_cursor("orders", ["2026-01-01T00:00:00Z", "ord_1"])
    found = decode_cursor("orders", cursor, 2)
    assert found is not None
    assert found.values == ("2026-01-01T00:00:00Z", "ord_1")
    assert decode_cursor("orders", None, 2) is None


@pytest.mark.behaviour("security T28")
def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        decode_cursor("customers", encode_cursor("orders", [1, "ord_1"]), 2)
    with pytest.raises(InvalidArgument):
        decode_cursor("orders", encode_cursor("orders", [1]), 2)
    with pytest.raises(InvalidArgument):
        decode_cursor("orders", "x" * 1_000_000, 2)


@given(st.text(max_size=200))
def test_any_made_up_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        decode_cursor("orders", text, 1)
    assert refused.value.field == "cursor"
