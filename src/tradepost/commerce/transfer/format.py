"""The store export, version 1: one JSON file that holds a whole store at one moment.

Reading is strict and complete: every record is checked by itself and against the others before anything is written,
and a broken file is answered with the first bad records, their fields and why.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tradepost.foundation.errors import InvalidArgument

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
        return sum(len(getattr(self, name)) for name, _ in RECORDS)


RECORDS: tuple[tuple[str, type[Record]], ...] = (
    ("customers", CustomerRecord),
    ("products", ProductRecord),
    ("variants", VariantRecord),
    ("orders", OrderRecord),
    ("payments", PaymentRecord),
    ("fulfilments", FulfilmentRecord),
)


def amount_minor(text: str) -> int:
    """ "12.50" -> 1250; the format's amounts have exactly two decimals."""
    return int(text.replace(".", ""))


def amount_text(minor: int) -> str:
    """1250 -> "12.50"."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"
