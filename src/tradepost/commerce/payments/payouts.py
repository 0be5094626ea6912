"""Reading payouts: what the payment provider sends to our bank."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sqlalchemy import select

from tradepost.commerce.payments.models import Payout, PayoutStatus
from tradepost.commerce.payments.views import PayoutView, payout_view
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, TimeFilter, found_sentence, page
from tradepost.commerce.store.periods import within
from tradepost.commerce.store.store import Store
from tradepost.foundation.money import display

SHOWN = 5  # payouts named in the text


@read_tool(title="List payouts", scope="read:settlement")
async def list_payouts(
    store: Store,
    status: Annotated[PayoutStatus | None, Field(description="Payout state.", examples=["paid"])] = None,
    period_from: TimeFilter = None,
    period_to: TimeFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[PayoutView]]:
    """List payouts of the payment provider to our bank, the newest period first. Use to see what money arrived or is
    on its way, and to find the payout to reconcile. Not for single payments (search_payments) and not for a payout's
    lines (reconcile_settlement). Filters by status and by the end of the period covered. Reads only. Returns gross,
    fees and net per payout with status, period and arrival."""
    statement = select(Payout)
    if status is not None:
        statement = statement.where(Payout.status == status)
    statement = within(statement, Payout.period_to, period_from, period_to, "period")
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])

    async def view(rows: Sequence[Payout]) -> list[PayoutView]:
        for row in rows:
            sums = totals[row.currency]
            sums[0] += row.gross_minor
            sums[1] += row.fees_minor
            sums[2] += row.net_minor
        return [payout_view(row, detail) for row in rows]

    found = await page(
        store,
        "payouts",
        statement,
        [Payout.period_to, Payout.id],
        view,
        limit=limit,
        cursor=cursor,
        descending=True,
        fields=fields,
    )
    text = found_sentence(found, "payouts", "No payouts found with these filters.")
    text += " Sums of this page:" if totals else ""
    for currency, (gross, fees, net) in sorted(totals.items()):
        text += f" Gross {display(gross, currency)}, fees {display(fees, currency)}, net {display(net, currency)}."
    named = [item for item in found["items"] if {"number", "status", "net"} <= item.keys()]
    text += "".join(f" {item['number']} {item['status']}, net {item['net']['display']}." for item in named[:SHOWN])
    return Answer(found, text)


@resource(
    "payout://{id}",
    title="Payout",
    description="A payout by id or number: gross, fees, net, status, period.",
    scope="read:settlement",
)
async def payout(store: Store, id: str) -> PayoutView:
    """The payout as list_payouts shows it."""
    return payout_view(await store.find(Payout, id), "full")


TOOLS = (list_payouts,)
RESOURCES = (payout,)
