"""Which orders a sales report counts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_

from tradepost.commerce.orders.models import Order


@dataclass(frozen=True, slots=True)
class SalesScope:
    """Orders placed in a period, without canceled ones, in one currency; of a warehouse or a channel where given."""

    workspace_id: str
    start: datetime
    end: datetime
    currency: str
    warehouse_id: str | None
    channel: str | None

    @property
    def is_of_some(self) -> bool:
        """Whether it is about a part of the orders, by warehouse or channel."""
        return self.warehouse_id is not None or self.channel is not None

    def placed(self) -> ColumnElement[bool]:
        """All orders of the period, counted or not."""
        ours = Order.workspace_id == self.workspace_id
        return and_(ours, Order.placed_at >= self.start, Order.placed_at < self.end)

    def counts(self, *, any_currency: bool = False) -> ColumnElement[bool]:
        """The orders that count."""
        parts = [self.placed(), Order.status != "canceled"]
        if not any_currency:
            parts.append(Order.currency == self.currency)
        if self.warehouse_id is not None:
            parts.append(Order.warehouse_id == self.warehouse_id)
        if self.channel is not None:
            parts.append(Order.channel == self.channel)
        return and_(*parts)
