"""Matching a payout's statement with the shop's own records, in SQL.

What the shop expects is summed up per provider reference: captured money of payments, refunds (own reference, else
their payment's), disputes (number, external id or their payment's reference). A reference may be settled in parts or,
wrongly, twice; so each line is compared with what its reference still had open when the line came.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import aliased

from tradepost.commerce.payments.models import Dispute, Payment, Payout, Refund, SettlementLine

PROVIDER_TYPES = ("fee", "reserve", "transfer")  # the provider's own lines: the shop has no record to compare
VOID_PAYOUTS = ("failed", "canceled")
LIVE_REFUNDS = ("pending", "succeeded")
RETURNED_DISPUTES = ("won", "prevented")
_UNNAMED = ("amount", "of_currency")


def compared_lines(payout: Payout, *, named: bool = True) -> Select[Any]:
    """Each line of the payout with `status`, `finding`, `expected_minor`, `difference_minor`, `expected_currency` and,
    if `named`, the `record` it was compared with; `rank` puts what needs attention first."""
    lines = _expected(_lines_of(payout), payout, ("amount", "of_currency", "record") if named else _UNNAMED)
    kind, amount, currency = lines.c.type, lines.c.amount, lines.c.of_currency
    settled_in_all = lines.c.total == amount
    open_then: ColumnElement[Any] = case((settled_in_all, lines.c.gross_minor), else_=amount - lines.c.earlier)
    finding = case(
        (lines.c.net_minor != lines.c.gross_minor - lines.c.fee_minor, "adds_up_wrong"),
        (kind.in_(PROVIDER_TYPES), "provider_line"),
        (lines.c.reference.is_(None), "no_reference"),
        (amount.is_(None), "unknown_reference"),
        (currency != lines.c.currency, "currency_differs"),
        (open_then == lines.c.gross_minor, "agrees"),
        (and_(lines.c.earlier != 0, lines.c.earlier == amount), "settled_before"),
        else_="amount_differs",
    )
    compared = (
        select(
            lines,
            finding.label("finding"),
            currency.label("expected_currency"),
            case((currency == lines.c.currency, open_then), else_=amount).label("expected_minor"),
        )
        .select_from(lines)
        .subquery()
    )
    status = case(
        (compared.c.finding.in_(("agrees", "provider_line")), "matched"),
        (compared.c.finding.in_(("no_reference", "unknown_reference")), "unmatched"),
        else_="variance",
    )
    difference = case(
        (compared.c.finding.in_(("currency_differs", "provider_line")), null()),
        (compared.c.finding == "adds_up_wrong", compared.c.net_minor - compared.c.gross_minor + compared.c.fee_minor),
        else_=compared.c.gross_minor - func.coalesce(compared.c.expected_minor, 0),
    )
    rank = case((compared.c.finding.in_(("agrees", "provider_line")), 1), else_=0)
    return select(
        compared, status.label("status"), cast(difference, BigInteger).label("difference_minor"), rank.label("rank")
    )


def missing_records(payout: Payout) -> Select[Any]:
    """Payments captured and refunds paid in the payout's period that stand on no statement at all."""
    workspace = payout.workspace_id

    def unsettled(reference: Any, kind: str) -> ColumnElement[bool]:
        settled = select(SettlementLine.id).where(
            SettlementLine.workspace_id == workspace,
            SettlementLine.reference == reference,
            SettlementLine.type == kind,
        )
        return ~settled.exists()

    payments = select(
        literal("payment", String).label("kind"),
        Payment.number.label("number"),
        Payment.psp_reference.label("reference"),
        Payment.captured_minor.label("amount_minor"),
    ).where(
        Payment.workspace_id == workspace,
        Payment.currency == payout.currency,
        Payment.captured_minor > 0,
        Payment.psp_reference.is_not(None),
        Payment.captured_at >= payout.period_from,
        Payment.captured_at < payout.period_to,
        unsettled(Payment.psp_reference, "charge"),
    )
    refunds = select(
        literal("refund", String), Refund.number, Refund.psp_reference, (-Refund.amount_minor).label("amount_minor")
    ).where(
        Refund.workspace_id == workspace,
        Refund.currency == payout.currency,
        Refund.status == "succeeded",
        Refund.psp_reference.is_not(None),
        Refund.refunded_at >= payout.period_from,
        Refund.refunded_at < payout.period_to,
        unsettled(Refund.psp_reference, "refund"),
    )
    return select(union_all(payments, refunds).subquery())


def _references(payout: Payout) -> Select[Any]:
    return select(SettlementLine.reference).where(
        SettlementLine.workspace_id == payout.workspace_id,
        SettlementLine.payout_id == payout.id,
        SettlementLine.reference.is_not(None),
    )


def _lines_of(payout: Payout) -> Subquery:
    """The payout's lines, each with what its reference was settled for in all (`total`) and before it (`earlier`)."""
    same = (SettlementLine.type, SettlementLine.reference, SettlementLine.currency)
    in_order = (Payout.period_to, Payout.id, SettlementLine.position, SettlementLine.id)
    gross = func.sum(SettlementLine.gross_minor)
    return (
        select(
            SettlementLine.id,
            SettlementLine.payout_id,
            SettlementLine.position,
            SettlementLine.type,
            SettlementLine.reference,
            SettlementLine.currency,
            SettlementLine.gross_minor,
            SettlementLine.fee_minor,
            SettlementLine.net_minor,
            SettlementLine.occurred_at,
            cast(gross.over(partition_by=same), BigInteger).label("total"),
            cast(func.coalesce(gross.over(partition_by=same, order_by=in_order, rows=(None, -1)), 0), BigInteger).label(
                "earlier"
            ),
        )
        .join(
            Payout,
            and_(Payout.workspace_id == SettlementLine.workspace_id, Payout.id == SettlementLine.payout_id),
        )
        .where(
            SettlementLine.workspace_id == payout.workspace_id,
            SettlementLine.id.in_(_own_and_related(payout)),
        )
        .subquery()
    )


def _own_and_related(payout: Payout) -> Any:
    """Ids of the payout's lines and of those of others with the same references. Two look-ups by index: an OR of both
    lets PostgreSQL read every statement there ever was."""
    line = aliased(SettlementLine)
    ours = line.workspace_id == payout.workspace_id
    void = select(Payout.id).where(Payout.workspace_id == payout.workspace_id, Payout.status.in_(VOID_PAYOUTS))
    return union(
        select(line.id).where(ours, line.payout_id == payout.id),
        select(line.id).where(ours, line.reference.in_(_references(payout)), line.payout_id.not_in(void)),
    )


def _expected(lines: Subquery, payout: Payout, wanted: Sequence[str]) -> CTE:
    """The payout's own lines with what the shop expects for their references: `amount`, `of_currency`, `record`, or the
    first of these: looked up line by line in the indexes of references, since joining sums per reference lets SQLite
    compare each with each; and once, since each is asked for often."""
    sums = {
        "charge": [_charge(lines.c.reference, payout)],
        "refund": [_refund(Refund.psp_reference, lines.c.reference, payout)],
        "dispute": [_dispute(lines, payout)],
    }
    sums["refund"].append(_refund(Payment.psp_reference, lines.c.reference, payout))

    def looked_up(place: int) -> ColumnElement[Any]:
        def column(found: Select[Any]) -> ColumnElement[Any]:
            return found.with_only_columns(found.selected_columns[place]).correlate(lines).scalar_subquery()

        ways = {kind: [column(found) for found in several] for kind, several in sums.items()}
        return case(*((lines.c.type == kind, _first_of(columns)) for kind, columns in ways.items()))

    columns = (looked_up(place).label(name) for place, name in enumerate(wanted))
    return select(lines, *columns).where(lines.c.payout_id == payout.id).cte("expected").prefix_with("MATERIALIZED")


def _first_of(columns: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
    return columns[0] if len(columns) == 1 else func.coalesce(*columns)


def _charge(reference: ColumnElement[Any], payout: Payout) -> Select[Any]:
    return _summed(Payment.captured_minor, Payment).where(
        Payment.workspace_id == payout.workspace_id, Payment.psp_reference == reference
    )


def _refund(named: Any, reference: ColumnElement[Any], payout: Payout) -> Select[Any]:
    live = case((Refund.status.in_(LIVE_REFUNDS), -Refund.amount_minor), else_=0)
    return (
        _summed(live, Refund)
        .join(Payment, and_(Payment.workspace_id == Refund.workspace_id, Payment.id == Refund.payment_id))
        .where(Refund.workspace_id == payout.workspace_id, named == reference)
    )


def _dispute(lines: Subquery, payout: Payout) -> Select[Any]:
    taken = case((Dispute.status.in_(RETURNED_DISPUTES), 0), else_=-Dispute.amount_minor)
    other, reference = aliased(Dispute), lines.c.reference
    ours = select(other.id).where(other.workspace_id == payout.workspace_id).correlate(lines)
    paid = and_(Payment.workspace_id == other.workspace_id, Payment.id == other.payment_id)
    called = union(
        ours.where(other.number == reference),
        ours.where(other.external_id == reference),
        ours.join(Payment, paid).where(Payment.psp_reference == reference),
    )
    return _summed(taken, Dispute).where(Dispute.workspace_id == payout.workspace_id, Dispute.id.in_(called))


def _summed(amount: Any, record: Any) -> Select[Any]:
    """The amount, currency and number of what is called by one reference; nulls where nothing is."""
    number = func.min(record.number + "")  # of the bare column SQLite walks all numbers until one fits
    return select(cast(func.sum(amount), BigInteger), func.min(record.currency), number).select_from(record)
