"""Cases of customers, and handing one over to a person; groups of customers."""

import pytest
from sqlalchemy import select

from tests.commerce import books
from tests.commerce.conftest import WORKSPACE, Shop
from tradepost.commerce.customers import groups
from tradepost.commerce.customers.models import CustomerGroup
from tradepost.commerce.flows.accounts import tickets
from tradepost.commerce.support.models import Ticket, TicketMessage


@pytest.fixture
async def desk(shop: Shop) -> Shop:
    shop.offer([*tickets.TOOLS, *groups.TOOLS])
    await shop.add(
        CustomerGroup(id="grp_1", name="Trade", description="Buys often"),
        CustomerGroup(id="grp_2", name="Empty"),
        books.customer("c1", group_id="grp_1", kind="business", price_list_id="prl_1"),
        books.customer("c2", group_id="grp_1"),
        books.order("1001"),
        Ticket(id="tkt_9", number="TKT-9", subject="Old", status="solved", customer_id="cus_c1"),
    )
    return shop


async def said(shop: Shop) -> list[tuple[str, str]]:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return [(row.author_kind, row.body) for row in (await session.scalars(select(TicketMessage))).all()]


async def test_a_ticket_belongs_to_the_orders_customer(desk: Shop) -> None:
    done = await desk.call("create_ticket", subject="Late\u200b parcel", order_id="1001", message="Asked twice")
    assert (done["number"], done["subject"], done["customer_id"]) == ("TKT-1001", "Late parcel", "cus_c1")
    assert (done["ticket_status"], done["priority"], done["queue"]) == ("open", "normal", "general")
    assert await said(desk) == [("staff", "Asked twice")]


async def test_a_case_goes_to_a_person_with_all_that_is_known(desk: Shop) -> None:
    opened = await desk.call("create_ticket", subject="Wants a refund", customer_id="CUST-c2")
    summary = "Outside of the window by a day; the parcel was late."
    done = await desk.call("escalate_to_human", summary=summary, reason="policy_exception", ticket_id=opened["number"])
    assert (done["number"], done["queue"], done["priority"]) == (opened["number"], "escalations", "high")
    assert done["version"] > opened["version"]
    fresh = await desk.call("escalate_to_human", summary="The charger caught fire.", reason="safety", order_id="1001")
    assert (fresh["priority"], fresh["order_number"]) == ("urgent", "1001")
    assert "Escalation (safety)" in fresh["subject"]
    assert len(await said(desk)) == 2


NO_CASES: list[tuple[str, dict[str, str], str, str | None]] = [
    ("create_ticket", {"subject": "About nobody"}, "invalid_argument", "customer_id"),
    ("create_ticket", {"subject": "x", "order_id": "1001"}, "invalid_argument", "subject"),
    (
        "create_ticket",
        {"subject": "Mixed up", "order_id": "1001", "customer_id": "CUST-c2"},
        "invalid_argument",
        "customer_id",
    ),
    ("create_ticket", {"subject": "Odd queue", "order_id": "1001", "queue": "A B"}, "invalid_argument", "queue"),
    (
        "escalate_to_human",
        {"summary": "Again and again", "reason": "unclear", "ticket_id": "TKT-9"},
        "state_conflict",
        None,
    ),
    (
        "escalate_to_human",
        {"summary": "Again and again", "reason": "unclear", "ticket_id": "TKT-9", "order_id": "1001"},
        "invalid_argument",
        "ticket_id",
    ),
]


async def test_what_makes_no_case_is_refused(desk: Shop, subtests: pytest.Subtests) -> None:
    for tool, call, code, field in NO_CASES:
        with subtests.test(tool=tool, call=call):
            refused = await desk.refused(tool, **call)
            assert (refused["code"], refused.get("field")) == (code, field)
            assert await said(desk) == []


async def test_groups_are_counted(desk: Shop) -> None:
    found = await desk.call("list_customer_groups")
    assert [(row["name"], row["members"], row["businesses"], row["price_lists"]) for row in found["items"]] == [
        ("Empty", 0, 0, []),
        ("Trade", 2, 1, ["prl_1"]),
    ]
    first = await desk.call("list_customer_groups", limit=1)
    rest = await desk.call("list_customer_groups", limit=1, cursor=first["next_cursor"])
    assert [first["items"][0]["name"], rest["items"][0]["name"]] == ["Empty", "Trade"]
