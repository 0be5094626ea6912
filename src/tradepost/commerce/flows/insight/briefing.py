"""Prompts over several domains: the daily briefing, a damage claim, the reconciliation of a payout. Each embeds what
the caller may read and names the tools to call, in their sequence."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select

from tradepost.commerce.claims.models import Claim
from tradepost.commerce.flows.claims.claim_search import claim_views
from tradepost.commerce.flows.insight.daily_ops import daily_report
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.orders.order_detail import order_view
from tradepost.commerce.flows.orders.order_prompts import CLOSING, DATA_ONLY
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Payout
from tradepost.commerce.payments.reconcile import reconcile
from tradepost.commerce.payments.views import payout_view
from tradepost.commerce.serving.declare import Guide, prompt
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339

Date = Annotated[str, Field(description="Day of the briefing, YYYY-MM-DD or today.", examples=["2026-03-01"])]
Warehouse = Annotated[str, Field(description="Only this warehouse: id, code or name.", examples=["WH-1"])]
OrderNumber = Annotated[str, Field(description="Order id or number.", examples=["1001"])]
PayoutNumber = Annotated[str, Field(description="Payout id or number.", examples=["OUT-1001"])]


@prompt(title="Daily supply chain briefing", scope="read:analytics")
async def daily_supply_chain_briefing(store: Store, date: Date, warehouse: Warehouse = "") -> Guide:
    """Brief the supply-chain manager for a day: figures, late orders with reasons, stock, parcels, drivers, returns,
    claims and money, with what to decide first."""
    place = await find_called(store, Location, warehouse, field="warehouse") if warehouse.strip() else None
    report = await daily_report(store, date, place)
    where = f"warehouse {place.code}" if place is not None else "all warehouses"
    at = f"warehouse_id={place.code}, " if place is not None else ""
    only = at.rstrip(", ")
    soon = to_rfc3339(store.now + timedelta(days=7))
    text = (
        f"Brief the supply-chain manager for {report['date']}, {where}. The report is attached; its states are of "
        f"{report['as_of']}. Check and deepen it with these tools, as far as you have them:\n"
        f"1. get_ops_kpis({at}group_by={'carrier' if place else 'warehouse'}): OTIF, late rate, returns, stockouts.\n"
        f"2. list_at_risk_orders({at}horizon_days=2): what misses its promise and the cause of each.\n"
        f"3. list_low_stock({only}) and suggest_reorders({only}): what runs out, what to order.\n"
        f"4. search_shipments({at}delayed_only=true) and list_deliveries(date={report['date']}): parcels and stops in "
        "trouble, drivers who are missing.\n"
        "5. search_returns(status=requested): what waits for a decision.\n"
        f"6. search_claims(file_by_before={soon}) and list_disputes(due_before={soon}): deadlines of the week.\n"
        "7. list_payouts() and, where the report says a payout is not reconciled, reconcile_settlement(payout_id).\n"
        "Write at most one page: the figures in one line, then what is wrong in the order of harm to customers and "
        "money, each with number, reason and deadline, then up to five decisions you recommend, each with the tool and "
        f"arguments that would carry it out.\n{DATA_ONLY}\n{CLOSING}"
    )
    uri = f"report://daily-ops/{report['date']}"
    return Guide(text, ((uri, report),))


@prompt(title="Build a damage claim", scope="read:claims")
async def build_damage_claim(store: Store, order: OrderNumber) -> Guide:
    """Put together a claim for a damaged order: what was damaged, who is liable, the evidence, the amount, the
    deadline."""
    row = await store.find(Order, order, field="order")
    existing = await store.all(
        select(Claim).where(Claim.order_id == row.id).order_by(Claim.opened_at, Claim.id).limit(5)
    )
    claims = await claim_views(store, existing, "full")
    resources: list[tuple[str, Any]] = []
    if store.caller.has_scope("read:orders"):
        resources.append((f"order://{row.number}", await order_view(store, row.id, ("shipments", "returns"))))
    resources += [(f"claim://{view['number']}", view) for view in claims]
    numbers = ", ".join(view["number"] for view in claims)
    there = (
        f"There are claims already: {numbers}; do not open a second one for the same damage."
        if claims
        else ("There is no claim on this order yet.")
    )
    text = (
        f"Build a damage claim for order {row.number}. {there}\n"
        f"1. get_order(order_id={row.number}, include=[shipments, returns]): lines, prices, parcels, returns.\n"
        "2. get_shipping_status for the parcel: when delivered, scans, proof of delivery, carrier.\n"
        f"3. search_claims(order_id={row.number}) and search_claims(claim_id) for evidence and deadline of each.\n"
        "4. search_policies(q=damage) for what the shop and the carrier demand; cite the clauses.\n"
        "5. Decide type (damage, or concealed_damage where the parcel looked whole), side, and who is liable, with "
        "the reason. Amount: the damaged lines at the price paid, in the order's currency, nothing else.\n"
        "6. List the evidence that is there and what is missing (photo of goods, photo of packaging, proof of "
        "delivery, invoice, inspection), and the filing deadline with the days left.\n"
        "7. Propose the claim with its type, side, lines, amount and evidence, or what an open claim still needs.\n"
        f"{DATA_ONLY}\n{CLOSING}"
    )
    return Guide(text, tuple(resources))


@prompt(title="Reconcile a payout", scope="read:settlement")
async def reconcile_payout(store: Store, payout: PayoutNumber) -> Guide:
    """Explain a payout's differences line by line and say what to do about each."""
    row = await store.find(Payout, payout, field="payout")
    result = await reconcile(store, row, limit=50)
    text = (
        f"Reconcile payout {row.number}. As of now {result['matched']} lines match, {result['variance']} differ in "
        f"amount and {result['unmatched']} match nothing; the difference is {result['difference']['display']}. "
        "The payout and its reconciliation are attached.\n"
        f"1. reconcile_settlement(payout_id={row.number}): the lines; page on while has_more.\n"
        "2. For each line that is not matched: search_payments(psp_ref=its reference), and for the record it names "
        "search_payments(order_id) and get_order; for disputes list_disputes(order_id).\n"
        "3. For the records under `missing`: search_payments(psp_ref) and list_payouts for the next period: are they "
        "settled later?\n"
        "4. Sort the differences: provider's error, our record's error, timing (settled in another period), a fee or "
        "dispute that is right. Show expected, actual and difference of each, and that they add up to the total.\n"
        f"5. Propose what to do for each: ask the provider, correct a record, wait.\n{DATA_ONLY}\n{CLOSING}"
    )
    uri = f"payout://{row.number}"
    return Guide(text, ((uri, payout_view(row, "full")), (f"{uri}#reconciliation", result)))


PROMPTS = (daily_supply_chain_briefing, build_damage_claim, reconcile_payout)
