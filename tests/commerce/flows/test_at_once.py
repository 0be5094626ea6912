"""Fifty at once, from two processes: never more goes back than was captured, nor is more captured than was promised."""

from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import pytest

from tests.commerce.at_once import called_from_two
from tests.commerce.conftest import NOW, Shop
from tests.commerce.flows.order_rows import ago, one, open_shop, order, rows
from tests.engines import DatabaseUrls
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Payment, Refund


@pytest.mark.two_processes
async def test_fifty_refunds_never_pay_back_more_than_was_captured(shop: Shop, database_urls: DatabaseUrls) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 2), ("MUG-R", 1)))
    captured, least = 2700, 70
    amounts = list(islice(cycle((70, 130, 310, 2701, 1500)), 50))
    calls: list[dict[str, Any]] = [
        {"order_id": "1", "amount_minor": amount, "currency": "EUR", "reason": "goodwill"} for amount in amounts
    ]
    answers = await called_from_two(database_urls.store, "initiate_refund", calls)
    given = sum(amount for amount, (refused, _) in zip(amounts, answers, strict=True) if not refused)
    assert captured - least < given <= captured
    assert sum(row.amount_minor for row in await rows(shop, Refund)) == given
    assert (await one(shop, Payment, "pay_1")).refunded_minor == given
    assert (await one(shop, Order, "ord_1")).refunded_minor == given
    for amount, (refused, said) in zip(amounts, answers, strict=True):
        if refused:
            assert said["code"] in ("limit_exceeded", "state_conflict"), said
            assert "€27.00" in said["message"], said
            assert said.get("details", {}).get("remaining_minor", 0) < amount
    assert sum(refused for refused, _ in answers) > 10


@pytest.mark.two_processes
async def test_fifty_captures_never_take_more_than_was_authorized(shop: Shop, database_urls: DatabaseUrls) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 2), method=None))
    authorized, least = 2000, 70
    payment = {"id": "pay_9", "number": "P-9", "order_id": "ord_1", "sequence": 1, "method_id": "pm_card"}
    until = {"authorized_at": ago(1), "auth_expires_at": NOW + timedelta(days=6)}
    await shop.add(Payment(**payment, status="authorized", currency="EUR", amount_minor=authorized, **until))
    amounts = list(islice(cycle((70, 130, 310, 2001, 900)), 50))
    calls: list[dict[str, Any]] = [
        {"payment_id": "P-9", "amount_minor": amount, "currency": "EUR", "reason": "Parcel"} for amount in amounts
    ]
    answers = await called_from_two(database_urls.store, "capture_payment", calls)
    taken = sum(amount for amount, (refused, _) in zip(amounts, answers, strict=True) if not refused)
    assert authorized - least < taken <= authorized
    assert (await one(shop, Payment, "pay_9")).captured_minor == taken
    assert (await one(shop, Order, "ord_1")).captured_minor == taken
    for amount, (refused, said) in zip(amounts, answers, strict=True):
        if refused and taken < authorized:
            assert (said["code"], said["details"]["authorized_minor"] < amount) == ("limit_exceeded", True), said
