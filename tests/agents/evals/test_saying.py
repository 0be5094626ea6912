"""Whether an answer says a fact, however it is written; and what it does not say."""

from datetime import date

import pytest

from tradepost.agents.evals.datasets.schema import Fact
from tradepost.agents.evals.scoring.saying import Said, Wanted

TODAY = date(2026, 2, 24)


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ("88213", "Order #88213 is late."),
        (88213, "It is 88,213 in all."),
        ("Joris van Dam", "its driver, JORIS  van Dam, is ill"),
        ("RMA-1042", "The return rma-1042 came."),
        ("size_too_small", "because size_too_small was said"),
        ("€24.90", "We paid back 24,90 EUR."),
        ("€24.90", "EUR 24.90 went back"),
        ("1,240.50 USD", "that is $1240.50 in all"),
        ("2026-02-26", "on 26 February"),
        (Fact(money="24.90 EUR"), "€ 24.9 were paid"),
        (Fact(money="1240 JPY"), "¥1,240"),
        (Fact(number=1240.5), "1.240,50 units"),
        (Fact(number=12), "it came 12x"),
        (Fact(date="2026-02-26"), "It arrives on Feb 26."),
        (Fact(date="2026-02-26"), "It arrives on the 26th of February 2026, by noon."),
        (Fact(date="2026-02-26"), "ETA 2026-02-26T09:00:00Z"),
        (Fact(date="2026-02-26"), "am 26.02.2026"),
        (Fact(date="2026-02-25"), "It comes tomorrow."),
        (Fact(any=["late", Fact(date="2026-02-26")]), "not before 26 Feb"),
        (Fact(pattern=r"PO-78\d"), "see po-781"),
        ("12 short", "came 12 short of what was ordered"),
    ],
)
def test_a_fact_is_said_in_many_ways(fact: Wanted, text: str) -> None:
    assert Said(text, TODAY).says(fact)


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ("88213", "Order 882134 is late."),
        (12, "RMA-12 came"),
        (Fact(number=12), "It came on 2026-02-12."),
        ("A-100", "SKU A-1000 is left"),
        ("late", "The plates are here."),
        ("€24.90", "24.90 USD were paid"),
        (Fact(money="24.90 EUR"), "€240.90 were paid, and 24.90 units"),
        (Fact(money="24.90 EUR"), "€24.09"),
        (Fact(date="2026-02-26"), "on 26 March, or on 27 February"),
        (Fact(date="2026-02-26"), "on 26 February 2025"),
        (Fact(date="2026-02-25"), "It came yesterday."),
        (Fact(any=["late", "delayed"]), "It is on time."),
        ("van Dam Joris", "Joris van Dam"),
        ("", "anything"),
    ],
)
def test_what_is_not_said_is_not_found(fact: Wanted, text: str) -> None:
    assert not Said(text, TODAY).says(fact)
