"""update_customer: only what is on the list, checked, once."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.books import customer
from tests.commerce.conftest import WORKSPACE, Shop
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.customers.update import TOOLS
from tradepost.commerce.store.models import StoreEvent

HOME = {"line1": "5 New Street", "line2": "", "city": "Lyon", "region": "ARA", "postal_code": "69001", "country": "FR"}


async def stored(shop: Shop, number: str = "CUST-c1") -> Customer:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return (await session.scalars(select(Customer).where(Customer.number == number))).one()


async def test_given_fields_change_and_the_event_names_no_data(shop: Shop) -> None:
    shop.offer(TOOLS)
    await shop.add(customer(address={"line1": "Old", "name": "Door 3"}, language="en"))
    found = await shop.call(
        "update_customer",
        customer_id="CUST-c1",
        email="New@Example.com",
        phone="+33 1 2345 ",
        address=HOME,
        marketing_email_consent=True,
    )
    assert found["changed"] == ["address", "email", "marketing_email_consent", "phone"]
    assert found["version"] == 2
    row = await stored(shop)
    assert (row.email, row.email_folded, row.phone, row.language) == (
        "New@Example.com",
        "new@example.com",
        "+33 1 2345",
        "en",
    )
    assert (row.email_domain, row.email_turned) == ("example.com", "wen")
    assert row.address == {"name": "Door 3", **HOME}
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        (event,) = (await session.scalars(select(StoreEvent))).all()
    assert event.type == "customer:updated"
    assert event.payload == {"record": "customer CUST-c1", "fields": found["changed"]}


async def test_same_values_change_nothing(shop: Shop) -> None:
    shop.offer(TOOLS)
    await shop.add(customer(language="fr"))
    found = await shop.call("update_customer", customer_id="CUST-c1", language="fr")
    assert (found["changed"], found["version"]) == ([], 1)


async def test_email_of_another_customer_is_refused_without_case(shop: Shop) -> None:
    shop.offer(TOOLS)
    await shop.add(customer(), customer("c2"))
    error = await shop.refused("update_customer", customer_id="CUST-c1", email="C2@example.com")
    assert (error["code"], error["field"]) == ("invalid_argument", "email")
    assert "c2" not in error["message"].lower()
    assert (await stored(shop)).version == 1


WRONG_VALUES: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"address": {**HOME, "city": " "}}, "address.city"),
    ({"address": {**HOME, "line1": "--"}}, "address.line1"),
    ({"address": {**HOME, "city": "Ly\u200bon"}}, "address.city"),
    ({"address": {**HOME, "country": "France"}}, "address.country"),
    ({"address": {**HOME, "country": "ZZ"}}, "address.country"),
    ({"address": {"city": "Lyon"}}, "address"),
    ({"email": "no address"}, "email"),
    ({"phone": "call me"}, "phone"),
    ({"language": "french!"}, "language"),
]


async def test_wrong_values_are_refused_by_name(shop: Shop, subtests: pytest.Subtests) -> None:
    shop.offer(TOOLS)
    await shop.add(customer())
    for arguments, field in WRONG_VALUES:
        with subtests.test(arguments=arguments):
            error = await shop.refused("update_customer", customer_id="CUST-c1", **arguments)
            assert (error["code"], error.get("field")) == ("invalid_argument", field)
            assert (await stored(shop)).version == 1


async def test_unlisted_field_stale_version_and_closed_account_are_refused(shop: Shop) -> None:
    shop.offer(TOOLS)
    await shop.add(customer(), customer("c2", status="closed"))
    assert (await shop.refused("update_customer", customer_id="CUST-c1", status="blocked"))[
        "code"
    ] == "invalid_argument"
    stale = await shop.refused("update_customer", customer_id="CUST-c1", language="fr", expected_version=9)
    assert stale["code"] == "version_conflict"
    closed = await shop.refused("update_customer", customer_id="CUST-c2", language="fr")
    assert closed["code"] == "state_conflict"


async def test_preview_shows_before_and_after(shop: Shop) -> None:
    shop.offer(TOOLS)
    await shop.add(customer())
    shown = await shop.call("update_customer", customer_id="CUST-c1", language="fr", dry_run=True)
    (change,) = shown["preview"]["changes"]
    words = {name: change[name] for name in ("record", "field", "before", "after")}
    assert words == {"record": "Customer CUST-c1", "field": "language", "before": "en", "after": "fr"}
    assert (await stored(shop)).language == "en"


NO_ADDRESSES: list[str] = ["a@b", "a@b.", "a@.nl", "a b@c.nl", "@c.nl", "a@c..nl", "a\x00@c.nl"]


async def test_an_address_no_mail_reaches_is_refused(shop: Shop, subtests: pytest.Subtests) -> None:
    shop.offer(TOOLS)
    await shop.add(customer("c1"))
    for email in NO_ADDRESSES:
        with subtests.test(email=email):
            assert (await shop.refused("update_customer", customer_id="CUST-c1", email=email))["field"] == "email"
