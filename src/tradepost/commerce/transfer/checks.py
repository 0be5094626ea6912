"""Whether the records of a file fit together: nothing stands twice, nothing points nowhere, every count is right."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from tradepost.commerce.transfer.format import OrderRecord, Problem, ReturnRecord, StoreFile


def _twice(values: list[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def cross_check(file: StoreFile) -> Iterator[Problem]:
    """All that is wrong between the records, each with its record and field."""
    yield from _check_people(file)
    yield from _check_catalog(file)
    yield from _check_orders(file)


def _check_people(file: StoreFile) -> Iterator[Problem]:
    for customer_id in _twice([customer.id for customer in file.customers]):
        yield Problem(f"customer {customer_id}", "id", "stands twice")
    for email in _twice([customer.email.lower() for customer in file.customers]):
        yield Problem(f"customer with {email}", "email", "stands twice (upper and lower case count as equal)")
    for method_id in _twice([method.id for customer in file.customers for method in customer.payment_methods]):
        yield Problem(f"payment method {method_id}", "id", "stands twice")
    owners = {order.id: order.customer_id for order in file.orders}
    people = {customer.id for customer in file.customers}
    claimed: Counter[str] = Counter()
    for customer in file.customers:
        claimed.update(customer.order_ids)
        for order_id in customer.order_ids:
            if owners.get(order_id, customer.id) in people and owners.get(order_id) != customer.id:
                yield Problem(f"customer {customer.id}", "order_ids", f"{order_id} is not an order of this customer")
        for method in customer.payment_methods:
            if (method.type == "gift_card") != (method.balance is not None):
                yield Problem(f"payment method {method.id}", "balance", "a gift card has one, and nothing else does")
            if (method.type == "credit_card") != (method.last4 is not None and method.brand is not None):
                yield Problem(
                    f"payment method {method.id}", "brand, last4", "a credit card has them, nothing else does"
                )
    for order_id in owners:
        if claimed[order_id] != 1:
            yield Problem(
                f"order {order_id}", "customer_id", f"stands {claimed[order_id]} times in order_ids, not once"
            )


def _check_catalog(file: StoreFile) -> Iterator[Problem]:
    for product_id in _twice([product.id for product in file.products]):
        yield Problem(f"product {product_id}", "id", "stands twice")
    for variant_id in _twice([variant.id for variant in file.variants]):
        yield Problem(f"variant {variant_id}", "id", "stands twice")
    names = {product.id: product.option_names for product in file.products}
    seen: set[tuple[str, str]] = set()
    for variant in file.variants:
        expected = names.get(variant.product_id)
        if expected is None:
            yield Problem(f"variant {variant.id}", "product_id", f"no product {variant.product_id}")
        elif sorted(variant.options) != sorted(expected):
            yield Problem(f"variant {variant.id}", "options", f"must have exactly {', '.join(expected)}")
        chosen = (variant.product_id, orjson.dumps(variant.options, option=orjson.OPT_SORT_KEYS).decode())
        if chosen in seen:
            yield Problem(f"variant {variant.id}", "options", "another variant of the product has the same")
        seen.add(chosen)


def _check_orders(file: StoreFile) -> Iterator[Problem]:
    for order_id in _twice([order.id for order in file.orders]):
        yield Problem(f"order {order_id}", "id", "stands twice")
    methods = {customer.id: {method.id for method in customer.payment_methods} for customer in file.customers}
    products = {variant.id: variant.product_id for variant in file.variants}
    orders = {order.id: order for order in file.orders}
    for order in file.orders:
        place = f"order {order.id}"
        if order.customer_id not in methods:
            yield Problem(place, "customer_id", f"no customer {order.customer_id}")
        own = methods.get(order.customer_id, set())
        if [line.line for line in order.lines] != list(range(1, len(order.lines) + 1)):
            yield Problem(place, "lines", "must be numbered 1, 2, 3, …")
        for line in order.lines:
            if products.get(line.variant_id) != line.product_id:
                yield Problem(place, f"lines.{line.line}", f"{line.variant_id} is no variant of {line.product_id}")
        yield from _check_state(order, place, own, products)
    for kind, rows in (("payment", file.payments), ("fulfilment", file.fulfilments)):
        numbers: dict[str, list[int]] = {}
        for row in rows:
            if row.order_id not in orders:
                yield Problem(f"{kind} {row.seq}", "order_id", f"no order {row.order_id}")
            numbers.setdefault(row.order_id, []).append(row.seq)
        for order_id, found in numbers.items():
            if sorted(found) != list(range(1, len(found) + 1)):
                yield Problem(f"order {order_id}", f"{kind} seq", "must count 1, 2, 3, …")
    for payment in file.payments:
        payer = orders.get(payment.order_id)
        if payer is not None and payment.payment_method_id not in methods.get(payer.customer_id, set()):
            yield Problem(
                f"payment {payment.seq} of {payment.order_id}",
                "payment_method_id",
                f"{payment.payment_method_id} is not the customer's",
            )
    for fulfilment in file.fulfilments:
        for variant_id in fulfilment.variant_ids:
            if variant_id not in products:
                yield Problem(f"fulfilment of {fulfilment.order_id}", "variant_ids", f"no variant {variant_id}")
        sent = orders.get(fulfilment.order_id)
        if sent is not None:
            units: Counter[str] = Counter()
            for line in sent.lines:
                units[line.variant_id] += line.quantity
            for variant_id in Counter(fulfilment.variant_ids) - units:
                yield Problem(
                    f"fulfilment of {fulfilment.order_id}", "variant_ids", f"more of {variant_id} than the order has"
                )


def _check_state(order: OrderRecord, place: str, own: set[str], products: dict[str, str]) -> Iterator[Problem]:
    if (order.return_ is not None) != (order.status == "return_requested"):
        yield Problem(place, "return", "stands exactly at orders that are return_requested")
    if (order.exchange is not None) != (order.status == "exchange_requested"):
        yield Problem(place, "exchange", "stands exactly at orders that are exchange_requested")
    if order.cancel_reason is not None and order.status != "cancelled":
        yield Problem(place, "cancel_reason", "stands only at cancelled orders")
    units = Counter({line.variant_id: 0 for line in order.lines})
    for line in order.lines:
        units[line.variant_id] += line.quantity
    for name, wanted in (("return", order.return_), ("exchange", order.exchange)):
        if wanted is None:
            continue
        if Counter(wanted.variant_ids) - units:
            yield Problem(place, f"{name}.variant_ids", "more units than the order has")
        method = wanted.refund_payment_method_id if isinstance(wanted, ReturnRecord) else wanted.payment_method_id
        if method not in own:
            yield Problem(place, name, f"the payment method {method} is not the customer's")
    if order.exchange is not None:
        old = sorted(products.get(variant_id, "") for variant_id in order.exchange.variant_ids)
        new = sorted(products.get(variant_id, "") for variant_id in order.exchange.new_variant_ids)
        if old != new:
            yield Problem(place, "exchange.new_variant_ids", "must be variants of the same products as the old ones")
