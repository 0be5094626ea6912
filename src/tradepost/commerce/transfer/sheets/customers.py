"""Customers, by the columns of Shopify's customer export."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tradepost.commerce.customers.models import Customer, CustomerKind
from tradepost.commerce.transfer.sheets.addresses import address_columns, address_of
from tradepost.commerce.transfer.sheets.columns import Column
from tradepost.commerce.transfer.sheets.draft import Draft
from tradepost.commerce.transfer.sheets.kind import Ground, Kind, Planning, Refused, Unique
from tradepost.commerce.transfer.sheets.reading import Row, shown
from tradepost.commerce.transfer.sheets.values import code, email, line, one_of, phone, text, yes_no
from tradepost.foundation.ids import new_id

NUMBER = "CUST-"
_CONSENTS = ("marketing_email_consent", "marketing_sms_consent")
_FIELDS = ("first_name", "last_name", "company", "phone", "kind", "language", "note", *_CONSENTS)


@dataclass(slots=True)
class CustomerRecord:
    """A customer as the row says; what it does not say is not in `values`."""

    row: Row
    external_id: str | None
    email: str
    values: dict[str, Any]


@dataclass(slots=True)
class People:
    """The customers of the store that a batch names."""

    by_id: dict[str, Customer]
    by_email: dict[str, Customer]


class Customers(Kind[CustomerRecord, People]):
    """Shopify: Customers > Export."""

    name = "customers"
    columns = (
        Column("customer_id", ("Customer ID",), code),
        Column("first_name", ("First Name",), line(100)),
        Column("last_name", ("Last Name",), line(100)),
        Column("email", ("Email",), email, required=True),
        Column("marketing_email_consent", ("Accepts Email Marketing", "Accepts Marketing"), yes_no),
        Column("marketing_sms_consent", ("Accepts SMS Marketing",), yes_no),
        Column("company", ("Default Address Company", "Company"), line(200)),
        *address_columns("Default Address "),
        Column("phone", ("Phone", "Default Address Phone"), phone),
        Column("note", ("Note",), text(2000)),
        Column("kind", (), one_of(CustomerKind)),
        Column("language", (), line(35)),
    )

    def read(self, rows: Sequence[Row], ground: Ground) -> CustomerRecord:
        row = rows[0]
        address = row.get("email")
        if address is None:
            raise Refused(row, "email", "is empty: a customer is known by an e-mail address")
        values = {name: row.get(name) for name in _FIELDS if row.get(name) is not None}
        found = address_of(row)
        if found is not None:
            values["address"] = found
        return CustomerRecord(row, row.get("customer_id"), address, values)

    def unique(self, record: CustomerRecord) -> Iterator[Unique]:
        yield "e-mail address", record.email.lower(), record.row, "email"
        if record.external_id is not None:
            yield "customer id", record.external_id, record.row, "customer_id"

    def first_row(self, record: CustomerRecord) -> Row:
        return record.row

    async def look_up(self, planning: Planning, records: Sequence[CustomerRecord]) -> People:
        ids = [record.external_id for record in records if record.external_id is not None]
        folded = [record.email.lower() for record in records]
        by_id: dict[str, Customer] = {}
        for column in (Customer.number, Customer.external_id):  # the external id counts more
            found = await planning.rows(select(Customer).where(column.in_(ids)).order_by(Customer.id))
            by_id |= {str(getattr(row, column.key)): row for row in found}
        people = await planning.rows(select(Customer).where(Customer.email_folded.in_(folded)).order_by(Customer.id))
        return People(by_id, {row.email_folded: row for row in people})

    def plan(self, planning: Planning, known: People, record: CustomerRecord, draft: Draft) -> None:
        folded = record.email.lower()
        holder = known.by_email.get(folded)
        customer = known.by_id.get(record.external_id or "") or holder
        if customer is None:
            draft.is_new = True
            values = {"first_name": "", "last_name": "", "address": address_of(None), **record.values}
            number = None if record.external_id else NUMBER
            made = Customer(
                id=new_id(Customer.prefix),
                number=record.external_id,
                external_id=record.external_id,
                email=record.email,
                email_folded=folded,
                **values,
            )
            draft.emit("customer:imported", draft.add(0, made, number=number, final=True))
            return
        if holder is not None and holder is not customer:
            raise Refused(record.row, "email", f"belongs to the customer {shown(holder.number)} of the shop")
        if record.external_id and customer.external_id not in (None, record.external_id):
            why = f"the shop's customer {shown(customer.number)} has the id {shown(customer.external_id)}"
            raise Refused(record.row, "customer_id", why)
        values = dict(record.values)
        for consent in _CONSENTS:  # a consent that was taken back here is not given again by an older file
            if values.get(consent) and not getattr(customer, consent):
                del values[consent]
        if customer.kind == "guest" and record.external_id and "kind" not in values:
            values["kind"] = "registered"
        if record.external_id:
            values["external_id"] = record.external_id
        if "address" in values:
            values["address"] = {**customer.address, **values["address"]}
        if draft.change(customer, email=record.email, email_folded=folded, **values):
            if customer.status == "closed":
                raise Refused(record.row, "email", f"the account of the customer {shown(customer.number)} is closed")
            draft.emit("customer:updated", customer)
