"""What the sales report looks like."""

from typing import NotRequired

from typing_extensions import TypedDict

from tradepost.foundation.money import MoneyView


class SalesRow(TypedDict):
    """A day, channel, warehouse, customer, category or sku."""

    key: str
    name: str
    orders: int
    units: NotRequired[int]
    sales: MoneyView
    refunds: MoneyView


class SalesTotals(TypedDict):
    """The sums of the period: total = goods - discounts + shipping + tax; net = total - refunds. `average_order`:
    total per order, null without orders."""

    orders: int
    customers: int
    units: int
    goods: MoneyView
    discounts: MoneyView
    shipping: MoneyView
    tax: MoneyView
    total: MoneyView
    refunds: MoneyView
    net: MoneyView
    average_order: MoneyView | None


class LeftOut(TypedDict):
    """Orders in another currency."""

    currency: str
    orders: int


class SalesReport(TypedDict):
    """The report; `top_products` by sales."""

    date_from: str
    date_to: str
    currency: str
    group_by: str
    totals: SalesTotals
    top_products: list[SalesRow]
    other_currencies: list[LeftOut]
    items: list[SalesRow]
    next_cursor: str | None
    has_more: bool
    total_estimate: int
    truncated: bool
