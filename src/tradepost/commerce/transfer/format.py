"""The store export, version 1: one JSON file that holds a whole store at one moment.

Reading is strict and complete: every record is checked by itself and against the others before anything is written,
and a broken file is answered with the first bad records, their fields and why.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tradepost.foundation.errors import InvalidArgument, TradepostError
from tradepost.foundation.money import exponent

FORMAT = "commerce-store-export"
VERSION = 1
SHOWN_PROBLEMS = 20

Text = Annotated[str, Field(max_length=2000)]
Id = Annotated[str, Field(min_length=1, max_length=200)]
Amount = Annotated[str, Field(pattern=r"^\d{1,13}\.\d{2}$")]
SignedAmount = Annotated[str, Field(pattern=r"^-?\d{1,13}\.\d{2}$")]
OrderState = Literal[
    "pending", "pending_item_modified", "processed", "delivered", "cancelled", "return_requested", "exchange_requested"
]


class Record(BaseModel):
    """Exactly the fields of the format: none missing, none more, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Address(Record):
    line1: Text
    line2: Text
    city: Text
    region: Text
    postal_code: Text
    country: Text


class PaymentMethodRecord(Record):
    id: Id
    type: Literal["credit_card", "paypal", "gift_card"]
    brand: Text | None = None
    last4: Text | None = None
    balance: Amount | None = None


class CustomerRecord(Record):
    id: Id
    first_name: Text
    last_name: Text
    email: Annotated[str, Field(min_length=3, max_length=320, pattern="@")]
    address: Address
    payment_methods: list[PaymentMethodRecord]
    order_ids: list[Id]


class ProductRecord(Record):
    id: Id
    name: Text
    option_names: list[Text]


class VariantRecord(Record):
    id: Id
    product_id: Id
    options: dict[str, str]
    price: Amount
    available: bool


class LineRecord(Record):
    line: Annotated[int, Field(ge=1)]
    variant_id: Id
    product_id: Id
    name: Text
    options: dict[str, str]
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    unit_price: Amount


class ReturnRecord(Record):
    variant_ids: list[Id]
    refund_payment_method_id: Id


class ExchangeRecord(Record):
    variant_ids: list[Id]
    new_variant_ids: list[Id]
    payment_method_id: Id
    price_difference: SignedAmount


class OrderRecord(Record):
    id: Id
    customer_id: Id
    status: OrderState
    shipping_address: Address
    lines: Annotated[list[LineRecord], Field(min_length=1)]
    cancel_reason: Text | None
    return_: Annotated[ReturnRecord | None, Field(alias="return")]
    exchange: ExchangeRecord | None


class PaymentRecord(Record):
    order_id: Id
    seq: Annotated[int, Field(ge=1)]
    kind: Literal["payment", "refund"]
    amount: Amount
    payment_method_id: Id


class FulfilmentRecord(Record):
    order_id: Id
    seq: Annotated[int, Field(ge=1)]
    tracking_numbers: Annotated[list[Id], Field(min_length=1)]
    variant_ids: Annotated[list[Id], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file: which record, which field, why."""

    record: str
    field: str
    why: str

    def __str__(self) -> str:
        return f"{self.record}, {self.field}: {self.why}"


class BrokenFile(InvalidArgument):
    """The file cannot be imported; `problems` are the first ones."""

    def __init__(self, problems: list[Problem], more: bool) -> None:
        shown = "; ".join(str(problem) for problem in problems[:3])
        super().__init__(
            f"The file is not a store export that can be imported: {shown}{' …' if len(problems) > 3 or more else ''}",
            hint="Mend the records named and import again. Nothing was written.",
            details={"problems": [str(problem) for problem in problems]},
        )
        self.problems = problems


@dataclass(frozen=True, slots=True)
class StoreFile:
    """A checked store export."""

    currency: str
    customers: list[CustomerRecord]
    products: list[ProductRecord]
    variants: list[VariantRecord]
    orders: list[OrderRecord]
    payments: list[PaymentRecord]
    fulfilments: list[FulfilmentRecord]

    def __len__(self) -> int:
        return sum(len(getattr(self, name)) for name, _ in _RECORDS)


_RECORDS: tuple[tuple[str, type[Record]], ...] = (
    ("customers", CustomerRecord),
    ("products", ProductRecord),
    ("variants", VariantRecord),
    ("orders", OrderRecord),
    ("payments", PaymentRecord),
    ("fulfilments", FulfilmentRecord),
)


def read_file(path: Path) -> StoreFile:
    """The checked content of a file. Raises InvalidArgument for no readable file, BrokenFile for a wrong one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from error
    return parse(content)


def parse(content: bytes) -> StoreFile:
    """The checked store export in `content`. Raises BrokenFile."""
    try:
        whole = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BrokenFile([Problem("file", "JSON", str(error))], False) from None
    problems = _Problems()
    if not isinstance(whole, dict) or whole.get("format") != FORMAT or whole.get("version") != VERSION:
        problems.add("file", "format", f'must be an object with "format": "{FORMAT}" and "version": {VERSION}')
        problems.finish()
    for name in sorted(whole.keys() - {"format", "version", "currency", *(name for name, _ in _RECORDS)}):
        problems.add("file", name, "is not part of the format")
    currency = whole.get("currency")
    try:
        decimals = exponent(currency) if isinstance(currency, str) else None
        if decimals != 2:
            problems.add("file", "currency", "must be an ISO 4217 code of a currency with two decimals")
    except TradepostError as error:
        problems.add("file", "currency", error.message)
    parsed = {name: _records(whole, name, model, problems) for name, model in _RECORDS}
    problems.finish()
    file = StoreFile(currency=str(currency), **parsed)
    for problem in _cross_check(file):
        problems.add(problem.record, problem.field, problem.why)
    problems.finish()
    return file


class _Problems:
    """Collects the first problems and stops counting after them."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._more = False

    def add(self, record: str, field: str, why: str) -> None:
        if len(self._found) < SHOWN_PROBLEMS:
            self._found.append(Problem(record, field, why))
        else:
            self._more = True

    def finish(self) -> None:
        if self._found:
            raise BrokenFile(self._found, self._more)


def _records(whole: dict[str, Any], name: str, model: type[Record], problems: _Problems) -> list[Any]:
    raw = whole.get(name)
    if not isinstance(raw, list):
        problems.add("file", name, "must be a list")
        return []
    found = []
    for index, item in enumerate(raw):
        try:
            found.append(model.model_validate(item))
        except ValidationError as error:
            place = f"{name}[{index}]"
            if isinstance(item, dict):
                place += f" {item.get('id') or item.get('order_id') or ''}".rstrip()
            for detail in error.errors()[:3]:
                problems.add(place, ".".join(str(part) for part in detail["loc"]) or "record", detail["msg"])
    return found


def _twice(values: list[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def _cross_check(file: StoreFile) -> Iterator[Problem]:
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
    claimed: Counter[str] = Counter()
    for customer in file.customers:
        claimed.update(customer.order_ids)
        for order_id in customer.order_ids:
            if owners.get(order_id) != customer.id:
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


def amount_minor(text: str) -> int:
    """ "12.50" -> 1250; the format's amounts have exactly two decimals."""
    return int(text.replace(".", ""))


def amount_text(minor: int) -> str:
    """1250 -> "12.50"."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"
