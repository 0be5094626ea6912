"""A condition that only one engine needs, as each of them gets it."""

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import aliased

from tradepost.commerce.analytics.beside import beside
from tradepost.commerce.orders.models import OrderLine

OTHER = aliased(OrderLine, name="other")


@pytest.mark.parametrize(
    ("dialect", "says"),
    [
        (sqlite.dialect(), "other.placed_at = order_lines.placed_at"),  # compared with 1, no index would find it
        (postgresql.dialect(), "TRUE"),
    ],
    ids=["sqlite", "postgresql"],
)
def test_each_engine_gets_it_as_its_planner_reads_it(dialect: Dialect, says: str):
    told = select(OTHER.id).where(OTHER.sku == "A", beside(OTHER.placed_at, OrderLine.placed_at), OTHER.quantity > 0)
    sql = " ".join(str(told.compile(dialect=dialect)).split())
    assert f" AND {says} AND " in sql
