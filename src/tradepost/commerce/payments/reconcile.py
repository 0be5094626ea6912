"""Reconciling a payout: every line of its statement against the shop's own payments, refunds and disputes."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import BigInteger, cast, func, select, tuple_
from typing_extensions import TypedDict

from tradepost.commerce.payments.matching import compared_lines, missing_records
from tradepost.commerce.payments.models import Payout
from tradepost.commerce.payments.views import PayoutView, payout_view
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, keep_fields
from tradepost.commerce.store.store import Store
from tradepost.database.summing import prepare_summing
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.money import MoneyView, display, money, shown
from tradepost.foundation.pagination import decode_cursor, encode_cursor

LineStatus = Literal["matched", "unmatched", "variance"]
SHOWN_MISSING = 10

_WHY = {
    "agrees": "Agrees with the shop's record.",
    "provider_line": "The provider's own line; the shop keeps no record of it.",
    "no_reference": "The line names no reference.",
    "unknown_reference": "The shop has no record with this reference.",
    "currency_differs": "The shop's record has another currency.",
    "settled_before": "The reference was already settled in full by an earlier line.",
    "amount_differs": "The amount differs from the shop's record.",
    "adds_up_wrong": "The line's net is not its gross minus its fee.",
}


class ReconciledLine(TypedDict):
    """A statement line: what the provider says, what the shop expects, and the difference (actual - expected)."""

    id: str
    position: int
    type: str
    reference: str | None
    status: LineStatus
    why: str
    actual: MoneyView
    expected: MoneyView | None
    difference_minor: int | None
    fee_minor: int
    net_minor: int
    display: dict[str, str]
    record: str | None
    occurred_at: str


class MissingRecord(TypedDict):
    """A payment or refund of the period that stands on no statement."""

    kind: str
    number: str
    psp_reference: str
    amount: MoneyView


IN_SHORT = ("position", "type", "reference", "status", "actual", "expected")


class Reconciliation(TypedDict):
    """The result for a whole payout; `items` are its lines, those that need attention first."""

    payout: PayoutView
    reconciled: bool
    matched: int
    unmatched: int
    variance: int
    difference: MoneyView
    lines_gross_minor: int
    lines_fees_minor: int
    lines_net_minor: int
    net_difference_minor: int
    missing_count: int
    missing_minor: int
    display: dict[str, str]
    missing: list[MissingRecord]
    items: list[ReconciledLine]
    next_cursor: str | None
    has_more: bool
    total_estimate: int
    truncated: bool


PayoutRef = Annotated[str, Field(max_length=200, description="Payout id or number.", examples=["PO-OUT-1001"])]
StatusFilter = Annotated[
    LineStatus | None, Field(description="Only lines with this result; sums stay those of all.", examples=["variance"])
]


@read_tool(title="Reconcile settlement", scope="read:settlement")
async def reconcile_settlement(
    store: Store,
    payout_id: PayoutRef,
    status: StatusFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Reconciliation]:
    """Compare a payout's statement line by line with the shop's payments, refunds and disputes, by provider reference.
    Use to check that a payout is right or to explain a difference. Not to list payouts (list_payouts) and not to look
    up one payment (search_payments). Reads only, books nothing. Returns counts and sums, the payout's own net against
    its lines, records of the period on no statement (missing), and per line matched, unmatched or variance with
    expected, actual, difference and why; lines that need attention come first."""
    payout = await store.find(Payout, payout_id, field="payout_id")
    view = await reconcile(store, payout, status=status, limit=limit, cursor=cursor)
    text = _text(view, payout)
    if detail == "summary":
        view["items"] = keep_fields(view["items"], IN_SHORT)
    view["items"] = keep_fields(view["items"], fields)
    return Answer(view, text)


async def reconcile(
    store: Store, payout: Payout, *, status: LineStatus | None = None, limit: int = 20, cursor: str | None = None
) -> Reconciliation:
    """The reconciliation of a payout with one page of its lines, or with none for a `limit` of 0: three queries
    whatever its size."""
    await prepare_summing(store.session)
    lines = compared_lines(payout, named=False).subquery()
    counts = {"matched": 0, "unmatched": 0, "variance": 0}
    sums = {"difference": 0, "gross": 0, "fees": 0, "net": 0}
    totals = select(
        lines.c.status,
        func.count(),
        *(_sum(lines.c[name]) for name in ("difference_minor", "gross_minor", "fee_minor", "net_minor")),
    ).group_by(lines.c.status)
    for result, count, *amounts in await store.session.execute(totals):
        counts[result] = count
        for name, amount in zip(sums, amounts, strict=True):
            sums[name] += amount
    missing = missing_records(payout).subquery()
    whole = (func.count().over().label("n"), _sum(missing.c.amount_minor, over=True).label("sum"))
    some = select(missing, *whole).order_by(missing.c.kind, missing.c.number).limit(SHOWN_MISSING)
    lost = (await store.session.execute(some)).all()
    rows, next_cursor = await _page(store, payout, status, limit, cursor) if limit else ((), None)
    net_difference = payout.net_minor - sums["net"]
    found: Reconciliation = {
        "payout": payout_view(payout),
        "reconciled": not (counts["unmatched"] or counts["variance"] or net_difference),
        **counts,  # type: ignore[typeddict-item]
        "difference": money(sums["difference"], payout.currency),
        "lines_gross_minor": sums["gross"],
        "lines_fees_minor": sums["fees"],
        "lines_net_minor": sums["net"],
        "net_difference_minor": net_difference,
        "missing_count": lost[0].n if lost else 0,
        "missing_minor": lost[0].sum if lost else 0,
        "display": {},
        "missing": [
            {
                "kind": row.kind,
                "number": row.number,
                "psp_reference": row.reference,
                "amount": money(row.amount_minor, payout.currency),
            }
            for row in lost
        ],
        "items": [_line_view(row) for row in rows],
        "next_cursor": next_cursor,
        "has_more": next_cursor is not None,
        "total_estimate": counts[status] if status else sum(counts.values()),
        "truncated": False,
    }
    found["display"] = shown(payout.currency, found)
    return found


async def _page(
    store: Store, payout: Payout, status: str | None, limit: int, cursor: str | None
) -> tuple[Sequence[Any], str | None]:
    kind = store.list_kind("settlement lines")
    after = decode_cursor(kind, cursor, 3)
    lines = compared_lines(payout).subquery()
    statement = select(lines)
    columns = (lines.c.rank, lines.c.position, lines.c.id)
    if status is not None:
        statement = statement.where(lines.c.status == status)
    if after is not None:
        if [type(value) for value in after.values] != [int, int, str]:
            raise InvalidArgument("The cursor is not one that this list gave.", field="cursor")
        statement = statement.where(tuple_(*columns) > tuple_(*after.values))
    rows = (await store.session.execute(statement.order_by(*columns).limit(limit + 1))).all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], encode_cursor(kind, [last.rank, last.position, last.id])


def _sum(column: Any, *, over: bool = False) -> Any:
    total: Any = func.sum(column)
    return cast(func.coalesce(total.over() if over else total, 0), BigInteger)


def _line_view(row: Any) -> ReconciledLine:
    compared = row.expected_minor is not None and row.finding != "provider_line"
    view: ReconciledLine = {
        "id": row.id,
        "position": row.position,
        "type": row.type,
        "reference": row.reference,
        "status": row.status,
        "why": _WHY[row.finding],
        "actual": money(row.gross_minor, row.currency),
        "expected": money(row.expected_minor, row.expected_currency) if compared else None,
        "difference_minor": row.difference_minor,
        "fee_minor": row.fee_minor,
        "net_minor": row.net_minor,
        "display": {},
        "record": row.record,
        "occurred_at": to_rfc3339(row.occurred_at),
    }
    view["display"] = shown(row.currency, view)
    return view


def _text(view: Reconciliation, payout: Payout) -> str:
    total = view["matched"] + view["unmatched"] + view["variance"]
    text = (
        f"Payout {payout.number} ({display(payout.net_minor, payout.currency)} net): "
        f"{view['matched']} of {total} lines matched, {view['variance']} with a variance, "
        f"{view['unmatched']} unmatched; difference {view['difference']['display']}."
    )
    if view["net_difference_minor"]:
        text += f" The payout's net and its lines differ by {display(view['net_difference_minor'], payout.currency)}."
    if view["missing_count"]:
        text += f" {view['missing_count']} records of the period stand on no statement."
    for line in view["items"][:6]:
        if line["status"] != "matched":
            expected = line["expected"]["display"] if line["expected"] else "nothing"
            text += f" Line {line['position']} ({line['type']} {line['reference'] or 'without reference'}): "
            text += f"{line['actual']['display']}, expected {expected}. {line['why']}"
    return text


TOOLS = (reconcile_settlement,)
