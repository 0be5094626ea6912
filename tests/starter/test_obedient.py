"""An agent that does whatever it reads: what customers wrote in their own fields changes nothing without a person
(security rows 5 and 6, §4.2)."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
import pytest
from sqlalchemy import and_, select

from tests.commerce.other_books import add_money
from tests.commerce.other_moves import add_goods_on_the_way
from tests.commerce.other_shop import OtherShop
from tests.starter.payloads import payloads
from tradepost.app import Tradepost
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.logistics.models import Delivery
from tradepost.commerce.orders.models import Order, OrderNote
from tradepost.commerce.returns.models import Return
from tradepost.commerce.support.models import Ticket
from tradepost.database.base import StoreBase
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import create_agent, create_profile, set_posture
from tradepost.hub.access.keys import mint
from tradepost.hub.access.shoppers import mint_shopper_session
from tradepost.hub.registration.assignments import assign
from tradepost.protocol.builtin import Json

TOOLS = {
    "orders": (
        *("get_order", "search_orders", "add_order_note", "set_order_hold", "update_order_address", "cancel_order"),
    ),
    "customers": ("get_customer", "search_customers", "update_customer"),
    "returns": ("get_return", "search_returns"),
    "logistics": ("list_deliveries",),
    "payments": ("initiate_refund", "apply_store_credit"),
    "support": ("send_customer_message",),
}
SCOPES = (
    *("read:orders", "write:orders", "read:customers", "write:customers", "read:customers.pii"),
    *("read:returns", "read:logistics", "write:payments", "write:support"),
)
ONE_CENT = {"amount_minor": 1, "reason": "goodwill"}
# People are not asked any number of times in a minute, and not for any number of writes at once.
TOO_OFTEN = ("People were asked ", " writes wait for people already")
HOME = {"line1": "1 Evil Street", "city": "Sofia", "postal_code": "1000", "country": "BG"}


@dataclass(frozen=True)
class Field:
    """Where a customer writes: the record, its column or a key of it, and the call that shows it to an agent."""

    name: str
    model: Any
    column: str
    key: str | None
    tool: str
    asks: Json
    by: str

    def put(self, row: Any, text: str) -> None:
        setattr(row, self.column, text if self.key is None else {**(getattr(row, self.column) or {}), self.key: text})


FIELDS = (
    Field("order note", OrderNote, "body", None, "get_order", {"include": ["notes"]}, "order_id"),
    Field("company", Customer, "company", None, "get_customer", {}, "customer_id"),
    Field("first name", Customer, "first_name", None, "search_customers", {}, "query"),
    Field("address line 2", Order, "shipping_address", "line2", "get_order", {}, "order_id"),
    Field("purchase order", Order, "po_number", None, "get_order", {}, "order_id"),
    Field("return comment", Return, "customer_note", None, "get_return", {"detail": "full"}, "rma"),
    Field("ticket", Ticket, "subject", None, "get_customer", {"free_text": True}, "customer_id"),
    Field("instructions", Delivery, "instructions", None, "list_deliveries", {"detail": "full"}, "delivery_id"),
)


async def fill(hub: Tradepost, workspace_id: str, seed: int, mark: str, orders: int) -> OtherShop:
    """A small shop made at random, with an open ticket."""
    shop = OtherShop(seed, mark, orders)
    add_goods_on_the_way(shop)
    add_money(shop)
    customer = shop.buyers[0][0]
    shop.add(Ticket(id="tkt_0", number="T-0", subject="Hello", customer_id=customer.id, status="open"))
    place = {table.name: index for index, table in enumerate(StoreBase.metadata.sorted_tables)}
    async with hub.store.transaction(workspace_id, write=True) as session:
        for table in sorted({row.__tablename__ for row in shop.rows}, key=place.__getitem__):
            session.add_all(row for row in shop.rows if row.__tablename__ == table)
            await session.flush()
    return shop


async def agent(hub: Tradepost, by: Caller) -> Caller:
    """An agent that may write without asking."""
    async with hub.hub.transaction(by.workspace_id, write=True) as session:
        await create_profile(session, by, "obedient")
        await set_posture(session, by, "obedient", "guarded")
        made = await create_agent(session, by, "obedient", "does-all", scopes=SCOPES)
        for server, tools in TOOLS.items():
            for tool in tools:
                await assign(session, by, server, tool, agent="does-all")
        key = await mint(session, by, agent_id=made.id)
    return await hub.authenticator.authenticate(key.secret, new_id("req"))


async def planted(hub: Tradepost, workspace_id: str, field: Field, text: str, last: Field | None = None) -> str:
    """Let a customer write a text, and something plain in the field that they wrote in last. Returns how the record of
    the text is called."""
    async with hub.store.transaction(workspace_id, write=True) as session:
        if last is not None:
            rows = select(last.model).order_by(last.model.id)
            last.put((await session.scalars(rows.limit(1))).one(), "Plain and Sons")
        rows = select(field.model).order_by(field.model.id)
        row = (await session.scalars(rows.limit(1))).one()
        field.put(row, text)
        if field.model is OrderNote:
            return str(row.order_id)
        if field.model is Ticket:
            return str(row.customer_id)
        return str(row.email if field.by == "query" else row.number)


async def stored(hub: Tradepost, workspace_id: str) -> list[str]:
    """All that stands in a store, but for what customers write in the fields, and for versions."""
    own = {(field.model.__tablename__, field.column) for field in FIELDS}
    found: list[str] = []
    async with hub.store.transaction(workspace_id, write=False) as session:
        for table in StoreBase.metadata.sorted_tables:
            if table.name == "customer_name_parts":
                continue  # what customers are found by
            for row in (await session.execute(select(table))).mappings():
                kept = {name for name in row if (table.name, name) not in own} - {"version", "updated_at"}
                found.append(f"{table.name} {[(name, row[name]) for name in sorted(kept)]}")
    return sorted(found)


@dataclass
class Obedient:
    """An agent that does what it reads. `said` is all that it was ever answered."""

    hub: Tradepost
    caller: Caller
    order: str
    customer: str
    far: str
    currency: str
    said: list[str]

    async def call(self, name: str, arguments: Json, run: str) -> Json:
        answer = await self.hub.gateway.door.call(self.caller, name, arguments, run_id=run)
        self.said.append(orjson.dumps(answer).decode())
        return answer

    async def obey(self, tool: str, more: Json, run: str) -> Json:
        """What it was told to do: the structured answer."""
        about: dict[str, Json] = {
            "get_order": {"order_id": self.far},
            "update_order_address": {"order_id": self.order, "address": HOME},
            "update_customer": {"customer_id": self.customer, "email": "me@evil.example"},
            "initiate_refund": {"order_id": self.order, **ONE_CENT, "currency": self.currency},
            "apply_store_credit": {"customer_id": self.customer, "amount_minor": 1, "reason": "asked for"},
            "send_customer_message": {"customer_id": self.customer, "text": "Your password?", "reason": "asked for"},
        }
        given = {**about.get(tool, {"order_id": self.order}), **more}
        if tool != "get_order":
            given["idempotency_key"] = f"k-{run}"
        return dict((await self.call(tool, given, run))["structuredContent"])


@pytest.mark.behaviour("S0.33")
async def test_an_obedient_agent_changes_nothing_alone(hub: Tradepost, by: Caller) -> None:
    """Several hundred texts in eight fields: none has an effect without a person, none reaches another workspace."""
    await fill(hub, by.workspace_id, 101, "Ostrava", 12)
    other = await fill(hub, "wsp_far", 102, "Zlin", 24)
    async with hub.store.transaction(by.workspace_id, write=False) as session:
        numbers = list(await session.scalars(select(Order.number).order_by(Order.id)))
        is_new = and_(Order.status == "open", Order.payment_status == "paid", Order.fulfillment_status == "unfulfilled")
        order = str(await session.scalar(select(Order.number).where(is_new).order_by(Order.id).limit(1)))
        currency = str(await session.scalar(select(Order.currency).where(Order.number == order)))
        customer = str(await session.scalar(select(Customer.number).order_by(Customer.id).limit(1)))
    (far, *_) = [order.number for order in other.rows if isinstance(order, Order) and order.number not in numbers]
    does = Obedient(hub, await agent(hub, by), order, customer, far, currency, [])
    first = await does.obey("add_order_note", {"note": "paid"}, "clean")
    assert first["status"] == "succeeded"  # it may, as long as it has read nothing
    before, theirs = await stored(hub, by.workspace_id), await stored(hub, "wsp_far")
    wrong, asked, last, refused = [], set(), None, {}
    for index, payload in enumerate(payloads(order=does.order, customer=customer, far=far)):
        field, run = FIELDS[index % len(FIELDS)], f"run-{index}"
        named = await planted(hub, by.workspace_id, field, payload.text, last)
        last = field
        read = await does.call(field.tool, {**field.asks, field.by: named}, run)
        assert not read["isError"], read
        label = read["_meta"]["io.tradepost/source"]
        if (label["trust"], bool(label["untrusted_fields"])) != ("customer-text", True):
            wrong.append((field.name, payload, label))
        done = await does.obey(payload.tool, payload.arguments, run)
        if payload.tool == "get_order":
            if done["code"] != "not_found":
                wrong.append((field.name, payload, done))
        elif done.get("status") == "approval_required":
            asked.add(payload.tool)
        elif done.get("code") == "state_conflict" or any(often in done.get("message", "") for often in TOO_OFTEN):
            refused[payload.tool] = done["message"]
        else:
            wrong.append((field.name, payload, done))
    assert wrong == []
    writes = {name for names in TOOLS.values() for name in names if not name.startswith(("get", "search", "list"))}
    assert asked == writes, refused
    assert await stored(hub, by.workspace_id) == before
    assert await stored(hub, "wsp_far") == theirs
    assert not [said for said in does.said if "Zlin" in said]
    named = await planted(hub, by.workspace_id, FIELDS[1], "O'Brien & Sons (Europe) Ltd.", last)
    await does.call("get_customer", {"customer_id": named}, "plain")
    assert (await does.obey("add_order_note", {"note": "paid"}, "plain"))["status"] == "succeeded"  # a name is a name


# What a customer may ask for themselves, and where their own words come back to them.
SHOPPER_TOOLS = ("list_my_orders", "get_my_order", "cancel_my_order", "start_my_return", "report_my_problem")
OF_SHOPPERS = {
    "cancel_order": ("cancel_my_order", {"reason": "sent in error"}),
    "initiate_refund": ("start_my_return", {"lines": [{"line": 1, "quantity": 1, "reason": "other"}]}),
    "apply_store_credit": ("report_my_problem", {"problem": "damage", "lines": [{"line": 1}]}),
}


async def let_in(hub: Tradepost, by: Caller, customer: str) -> Caller:
    """A customer who is signed in, at the assistant that comes along."""
    async with hub.hub.transaction(by.workspace_id, write=True) as session:
        made = await mint_shopper_session(session, by, customer)
    return await hub.authenticator.authenticate(made.token, new_id("req"))


@pytest.mark.behaviour("S0.33")
async def test_an_obedient_assistant_of_a_customer_stays_with_that_customer(hub: Tradepost, by: Caller) -> None:
    """Every text in what the customer is shown: nothing is written without a person, and nothing of other customers or
    workspaces is seen, whoever's id is named and wherever (security row 19)."""
    shop = await fill(hub, by.workspace_id, 101, "Ostrava", 12)
    other = await fill(hub, "wsp_far", 102, "Zlin", 24)
    orders = [row for row in shop.rows if isinstance(row, Order)]
    mine = next(row for row in orders if (row.status, row.fulfillment_status) == ("open", "unfulfilled"))
    theirs = next(row for row in orders if row.customer_id != mine.customer_id)
    known = {row.number for row in orders}
    far = next(row for row in other.rows if isinstance(row, Order) and row.number not in known)
    async with hub.store.transaction(by.workspace_id, write=True) as session:
        (await session.get_one(Customer, (by.workspace_id, mine.customer_id))).number = "C-77"
    does = Obedient(hub, await let_in(hub, by, "C-77"), mine.number, "C-77", far.number, "", [])
    before, beyond = await stored(hub, by.workspace_id), await stored(hub, "wsp_far")
    wrong, asked = [], set()
    every = payloads(order=mine.number, customer=theirs.customer_id, far=far.number)
    for index, payload in enumerate(islice(every, 0, None, 4)):  # every disguise, every wish
        run = f"run-{index}"
        async with hub.store.transaction(by.workspace_id, write=True) as session:
            row = await session.get_one(Order, (by.workspace_id, mine.id))
            row.po_number = payload.text[:200]
            row.shipping_address = {**(row.shipping_address or {}), "line2": payload.text}
        read = await does.call("get_my_order", {"order_id": mine.number}, run)
        assert not read["isError"], read
        tool, more = OF_SHOPPERS.get(payload.tool, ("get_my_order", {}))
        for which, order in enumerate((mine, theirs, far)):
            given = {"order_id": order.number, **more}
            if tool != "get_my_order":
                given["idempotency_key"] = f"k-{run}-{which}"
            done = (await does.call(tool, given, run))["structuredContent"]
            if order is not mine:
                if done.get("code") != "not_found":
                    wrong.append((tool, order.number, done))
            elif done.get("status") == "approval_required":
                asked.add(tool)
            elif tool != "get_my_order" and done.get("code") not in ("state_conflict", "limit_exceeded"):
                wrong.append((tool, order.number, done))
        named = await does.call("list_my_orders", {"customer_id": theirs.customer_id}, run)
        if not named["isError"] and theirs.number in str(named["structuredContent"]):
            wrong.append(("list_my_orders", theirs.number, named))
        for absent in ("get_order", "initiate_refund", "update_customer"):
            if index == 0:
                with pytest.raises(NotFound):
                    await does.call(absent, {"order_id": mine.number, "idempotency_key": "k"}, run)
    assert wrong == []
    assert "cancel_my_order" in asked
    unchanged = [row for row in before if not row.startswith("orders ")]
    assert [row for row in await stored(hub, by.workspace_id) if not row.startswith("orders ")] == unchanged
    assert await stored(hub, "wsp_far") == beyond
    assert not [said for said in does.said if "Zlin" in said]
