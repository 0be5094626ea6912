"""The book of an order's money: what is left, from which payment, and what status follows."""

import pytest

from tradepost.commerce.payments.ledger import Ledger, payment_status_of
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.foundation.errors import LimitExceeded


def payment(sequence: int, captured: int, refunded: int = 0) -> Payment:
    return Payment(
        id=f"pay_{sequence}",
        sequence=sequence,
        method_id=f"pm_{sequence}",
        status="captured",
        amount_minor=captured,
        captured_minor=captured,
        refunded_minor=refunded,
    )


def ledger(*payments: Payment) -> Ledger:
    return Ledger("ord_1", "EUR", list(payments))


def test_a_refund_comes_out_of_the_newest_payment_that_holds_money() -> None:
    book = ledger(payment(1, 500), payment(2, 300, 300), payment(3, 200, 50))
    assert [(row.id, share) for row, share in book.share_out(400)] == [("pay_3", 150), ("pay_1", 250)]
    assert book.remaining_minor == 650
    assert book.original_method_id() == "pm_1"


def test_more_than_is_left_is_refused_with_the_numbers() -> None:
    with pytest.raises(LimitExceeded, match=r"€6\.51 cannot be refunded: €6\.50"):
        ledger(payment(1, 500), payment(3, 200, 50)).share_out(651)


def test_payments_and_refunds_share_one_sequence() -> None:
    book = ledger(payment(1, 500))
    book.refunds.append(Refund(sequence=2, shipping_minor=30, status="succeeded"))
    book.refunds.append(Refund(sequence=3, shipping_minor=20, status="failed"))
    assert book.next_sequence() == 4
    assert book.shipping_refunded_minor() == 30


@pytest.mark.parametrize(
    ("total", "captured", "refunded", "status"),
    [
        (100, 100, 0, "paid"),
        (100, 60, 0, "partially_paid"),
        (100, 100, 30, "partially_refunded"),
        (70, 100, 30, "paid"),
        (100, 200, 100, "paid"),
        (100, 100, 100, "refunded"),
    ],
)
def test_the_payment_status_says_whether_what_is_kept_covers_the_total(
    total: int, captured: int, refunded: int, status: str
) -> None:
    assert payment_status_of(total, captured, refunded) == status
