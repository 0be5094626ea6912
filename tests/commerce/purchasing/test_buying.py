"""Suppliers' terms."""

import pytest

from tradepost.commerce.purchasing.buying import line_cost, require_terms, to_terms
from tradepost.foundation.errors import InvalidArgument


def test_a_need_is_raised_to_minimum_order_and_packs() -> None:
    assert to_terms(71, 24, 12) == 72
    assert to_terms(5, 24, 10) == 30


def test_a_quantity_that_is_not_sold_is_refused_with_the_ones_that_are() -> None:
    with pytest.raises(InvalidArgument, match="below the supplier's minimum order of 24") as low:
        require_terms("X-1", 10, 24, 12, "lines")
    assert low.value.hint == "Order 24 or more, in packs of 12."
    with pytest.raises(InvalidArgument, match="no multiple of the pack size 12") as odd:
        require_terms("X-1", 40, 24, 12, "lines")
    assert odd.value.hint == "Order 36 or 48."
    require_terms("X-1", 36, 24, 12, "lines")


def test_cost_of_a_measured_line_is_rounded_half_up() -> None:
    assert line_cost(1500, 3, 333) == 500
    assert line_cost(7, 0, 250) == 1750
