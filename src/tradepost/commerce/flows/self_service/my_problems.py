"""Telling the shop that something arrived broken, is missing or is the wrong thing, with photos."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.claims.models import Claim, ClaimType
from tradepost.commerce.flows.claims.claim_evidence import add_pieces
from tradepost.commerce.flows.claims.open_claim import open_claim
from tradepost.commerce.flows.self_service.mine import find_mine, my_customer_id
from tradepost.commerce.flows.self_service.shoppers_words import in_shoppers_words
from tradepost.commerce.flows.settling.order_units import (
    MAX_LINES,
    MAX_POSITION,
    TERSE,
    Quantity,
    UnitsOf,
    order_lines,
)
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.money import MoneyView, money

SCOPE = "me:returns"
SEE_ORDER = "get_my_order shows the order's lines, what arrived, and problems that are reported already."
CLAIMS: dict[str, ClaimType] = {"damage": "damage", "missing": "shortage", "wrong_item": "wrong_item"}

OrderId = Annotated[
    str, Field(min_length=1, max_length=200, description="Your order's number or id.", examples=["1001"])
]
Problem = Annotated[
    Literal["damage", "missing", "wrong_item"], Field(description="What is wrong.", examples=["damage"])
]


class MyUnits(BaseModel):
    """Units of a line of the order, by its position."""

    model_config = TERSE

    line: int = Field(ge=1, le=MAX_POSITION)
    quantity: Quantity = 1


Lines = Annotated[
    list[MyUnits] | None,
    Field(
        min_length=1,
        max_length=MAX_LINES,
        description="The units concerned, by line number; needed where the order has several lines.",
        examples=[[{"line": 1, "quantity": 1}]],
    ),
]
Words = Annotated[
    str | None, Field(max_length=2000, description="What happened, in the customer's words.", examples=["It broke"])
]
Photos = Annotated[
    list[Annotated[str, Field(pattern=r"^(https://[!-~]{1,280}|[A-Za-z0-9][A-Za-z0-9_.-]{0,99})$")]] | None,
    Field(min_length=1, max_length=10, description="Photos: media ids or https addresses.", examples=[["med_1"]]),
]


# A problem as its customer sees it.
class MyProblem(TypedDict):
    id: str
    number: str
    version: int
    problem: str
    problem_status: str
    order_number: str
    worth: MoneyView
    photos: int


@write_tool(title="Report my problem", scope=SCOPE)
async def report_my_problem(
    store: Store,
    order_id: OrderId,
    problem: Problem,
    lines: Lines = None,
    description: Words = None,
    photos: Photos = None,
) -> Answer[MyProblem]:
    """Tell the shop that items of one of the signed-in customer's own orders arrived damaged, are missing or are the
    wrong ones. Use when the customer says so and has named the items; ask for a photo of damaged or wrong ones. Not for
    items that are fine but unwanted (start_my_return) or for a parcel on its way (track_my_order). The shop looks into
    it and decides: no money moves. Returns the number under which get_my_order shows how it stands."""
    customer_id = await my_customer_id(store)
    mine = await find_mine(store, customer_id, Order, order_id, field="order_id")
    with in_shoppers_words(SEE_ORDER):
        order = await store.primary(Order, mine.id, field="order_id")
        bought = await order_lines(store, order)
        _require_arrived(order, bought)
        claim = await _open(store, order, problem, _named(order, bought, lines), description)
    for_photos = await add_pieces(store, claim, "photo", photos, None) if photos else 0
    data: MyProblem = {
        "id": claim.id,
        "number": claim.number,
        "version": claim.version,
        "problem": problem,
        "problem_status": claim.status,
        "order_number": order.number,
        "worth": money(claim.claimed_minor, claim.currency),
        "photos": for_photos,
    }
    asked = "" if photos or problem == "missing" else " A photo would help the shop to decide."
    return Answer(data, f"{claim.number}: the shop knows of the problem with order {order.number}.{asked}")


def _named(order: Order, bought: Sequence[OrderLine], lines: Sequence[MyUnits] | None) -> list[UnitsOf] | None:
    """The units that are meant; None for all, where there is no choice."""
    if lines is None and len(bought) > 1:
        listed = "; ".join(f"{line.position}: {line.sku}" for line in bought[:10])
        raise InvalidArgument(
            f"Order {order.number} has {len(bought)} lines, and none is named.",
            hint=f'Name what is concerned, like [{{"line": 1, "quantity": 1}}]. Its lines: {listed}.',
            field="lines",
        )
    return None if lines is None else [UnitsOf(**entry.model_dump()) for entry in lines]


async def _open(store: Store, order: Order, problem: str, units: list[UnitsOf] | None, words: str | None) -> Claim:
    """The claim. A claim of the shop's own against a carrier may exist for the same goods; the customer is told that it
    is looked into, and nothing of it."""
    try:
        opened = await open_claim.function(store, CLAIMS[problem], order_id=order.id, lines=units, description=words)
    except StateConflict as error:
        number = error.details.get("claim")
        if number is None:
            raise
        known = (await store.session.scalars(select(Claim).where(Claim.number == number))).one()
        own = f" as {known.number}" if known.side == "customer_claim" else ""
        raise StateConflict(
            f"The shop knows of this problem with order {order.number} already{own} and is looking into it.",
            field="lines",
        ) from error
    return await store.lock(Claim, opened.data["id"])


def _require_arrived(order: Order, lines: Sequence[OrderLine]) -> None:
    if order.delivered_at is None and not any(line.delivered for line in lines):
        raise StateConflict(
            f"Nothing of order {order.number} has been delivered yet ({order.fulfillment_status.replace('_', ' ')}).",
            field="order_id",
        )


TOOLS = (report_my_problem,)
