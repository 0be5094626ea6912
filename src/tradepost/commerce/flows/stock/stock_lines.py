"""What a write about stock moves or buys: one SKU named directly, or a list of lines."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.foundation.errors import InvalidArgument


class StockLine(TypedDict):
    """A SKU and how many units of it, in 10^-quantity_scale units for measured goods."""

    sku: Annotated[str, Field(min_length=1, max_length=200, description="SKU.", examples=["SKU-1"])]
    quantity: Annotated[int, Field(ge=1, le=1_000_000, description="Units.", examples=[30])]


OneSku = Annotated[
    str | None, Field(max_length=200, description="The SKU; for several use lines instead.", examples=["SKU-1"])
]
OneQuantity = Annotated[int | None, Field(ge=1, le=1_000_000, description="Units of sku.", examples=[30])]
Lines = Annotated[
    list[StockLine] | None,
    Field(
        min_length=1,
        max_length=50,
        description="Several SKUs, instead of sku and quantity.",
        examples=[[{"sku": "SKU-1", "quantity": 30}]],
    ),
]


def wanted_lines(sku: str | None, quantity: int | None, lines: list[StockLine] | None) -> list[StockLine]:
    """The lines asked for. Raises InvalidArgument unless exactly one way of saying it is used."""
    single = sku is not None or quantity is not None
    if single == (lines is not None):
        raise InvalidArgument(
            "Say what is meant either as sku and quantity or as lines." if single else "No SKU is named.",
            hint='Send sku and quantity, or lines like [{"sku": "SKU-1", "quantity": 30}].',
            field="lines",
        )
    if lines is not None:
        return lines
    if sku is None or quantity is None:
        missing = "sku" if sku is None else "quantity"
        raise InvalidArgument(f"{missing} is missing.", hint="sku and quantity go together.", field=missing)
    return [{"sku": sku, "quantity": quantity}]


def require_once(skus: Iterable[str]) -> None:
    """Raise InvalidArgument for a SKU that stands in more than one line."""
    for sku, times in Counter(skus).items():
        if times > 1:
            raise InvalidArgument(f"{sku} stands in {times} lines.", hint="Put its units into one line.", field="lines")
