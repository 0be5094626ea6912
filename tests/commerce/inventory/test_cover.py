"""The arithmetic of replenishment."""

from datetime import timedelta

from tests.commerce.conftest import NOW
from tradepost.commerce.inventory.cover import amount_text, days_of_cover, demand_over, stockout_at


def test_cover_counts_days_until_the_units_are_sold() -> None:
    assert days_of_cover(10, 4000) == 2.5
    assert stockout_at(NOW, 10, 4000) == NOW + timedelta(days=2.5)
    assert days_of_cover(0, 4000) == 0
    assert days_of_cover(10, 0) is None
    assert stockout_at(NOW, 10**9, 1) is None


def test_measured_goods_count_in_parts_of_their_unit() -> None:
    assert days_of_cover(5000, 2500, 3) == 2.0  # 5 kg at 2.5 kg a day
    assert demand_over(3, 2500, 3) == 7500
    assert amount_text(1250, 3, "KGM") == "1.25 KGM"
    assert amount_text(-3000, 3, "KGM") == "-3 KGM"


def test_demand_is_rounded_up_once() -> None:
    assert demand_over(7, 1300) == 10
