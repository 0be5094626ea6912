"""A customer reaches their own records and nobody else's: what belongs to somebody else is answered as what never was,
in the same words and by the same statements (security.md rows 18 and 19)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from tests.commerce.self_service.conftest import SCOPES, Counter
from tradepost.commerce.billing.models import Invoice
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.orders.models import Order
from tradepost.commerce.returns.models import Return
from tradepost.foundation.errors import ForbiddenScope, NotFound

ME, OTHER = "CUST-10495", "CUST-10503"
# Each tool that takes a reference: the argument, whose kind of record, and what else it needs.
BY_REFERENCE: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "get_my_order": ("order_id", Order, {}),
    "track_my_order": ("order_id", Order, {}),
    "cancel_my_order": ("order_id", Order, {"reason": "no longer needed"}),
    "check_my_return": ("order_id", Order, {}),
    "start_my_return": ("order_id", Order, {}),
    "get_my_return": ("rma", Return, {}),
    "report_my_problem": ("order_id", Order, {"problem": "damage", "lines": [{"line": 1}]}),
    "list_my_invoices": ("number", Invoice, {}),
}
SOME = 10
ODD = ("none-such", "%", "' OR 1=1 --", "#", " ", "88_09", "*", "x" * 200)


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of any database meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def of_others(counter: Counter, model: Any, me: str) -> list[str]:
    """Ids and numbers of some of what belongs to everybody else."""
    mine = select(Customer.id).where(Customer.number == me)
    rows = await counter.rows(select(model).where(model.customer_id.not_in(mine)).order_by(model.number))
    return [name for row in rows[:: max(1, len(rows) // SOME)] for name in (row.id, row.number)]


@pytest.mark.parametrize("tool", BY_REFERENCE)
async def test_what_is_somebody_elses_is_answered_as_what_never_was(counter: Counter, tool: str):
    argument, model, rest = BY_REFERENCE[tool]
    unknown = await counter.result(ME, tool, **{argument: "none-such"}, **rest)
    assert (unknown.structured or {})["code"] == "not_found"
    others = await of_others(counter, model, ME)
    assert others
    for reference in (*others, *ODD, f"#{others[1]}", others[0].upper()):
        result = await counter.result(ME, tool, **{argument: reference}, **rest)
        assert (result.is_error, result.structured, result.content) == (True, unknown.structured, unknown.content)


@pytest.mark.parametrize("tool", BY_REFERENCE)
async def test_it_takes_the_same_statements(counter: Counter, tool: str):
    """What cannot be told by time: the two differ in nothing that is asked of the database."""
    argument, model, rest = BY_REFERENCE[tool]
    foreign = (await of_others(counter, model, ME))[1]
    await counter.result(ME, tool, **{argument: "none-such"}, **rest)
    told = []
    for reference in ("none-such", foreign):
        with statements() as seen:
            await counter.result(ME, tool, **{argument: reference}, **rest)
        told.append(seen)
    assert told[0] == told[1]
    assert len(told[0]) >= 2


@pytest.mark.parametrize("tool", [name for name in BY_REFERENCE if name.split("_")[0] in ("cancel", "start", "report")])
async def test_a_dry_run_and_a_preview_tell_no_more(counter: Counter, tool: str):
    argument, model, rest = BY_REFERENCE[tool]
    foreign = (await of_others(counter, model, ME))[0]
    for how in ({"dry_run": True}, {"mode": "preview"}):
        told = [
            (await counter.result(ME, tool, **{argument: reference}, **rest, **how)).structured
            for reference in ("none-such", foreign)
        ]
        assert told[0] == told[1]


async def test_lists_hold_all_that_is_theirs_and_nothing_else(counter: Counter):
    invoiced = 0
    for customer in (await counter.customers())[::4]:
        orders = await counter.rows(select(Order).where(Order.customer_id == customer.id))
        found = await everything(counter, customer.number, "list_my_orders")
        assert sorted(row["id"] for row in found) == sorted(order.id for order in orders)
        bills = select(Invoice).where(Invoice.customer_id == customer.id, Invoice.status != "draft")
        wanted = sorted(row.id for row in await counter.rows(bills))
        assert sorted(row["id"] for row in await everything(counter, customer.number, "list_my_invoices")) == wanted
        invoiced += len(wanted)
    assert invoiced


async def everything(counter: Counter, customer: str, tool: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await counter.call(customer, tool, limit=2, **({} if cursor is None else {"cursor": cursor}))
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows


@pytest.mark.parametrize(("tool", "other"), [("list_my_orders", OTHER), ("list_my_invoices", "CUST-10505")])
async def test_the_cursor_of_another_customer_is_none(counter: Counter, tool: str, other: str):
    theirs = (await counter.call(other, tool, limit=1))["next_cursor"]
    assert theirs
    assert await counter.refused(ME, tool, cursor=theirs) == await counter.refused(ME, tool, cursor="none-such")


@pytest.mark.parametrize("argument", ["customer_id", "customer", "email", "user", "workspace_id"])
async def test_there_is_no_argument_that_says_who_one_is(counter: Counter, argument: str):
    for tool in counter.server.tools:
        assert argument not in tool.input_schema["properties"]
        error = await counter.refused(ME, tool.name, **{argument: OTHER})
        assert error["code"] == "invalid_argument"
        assert OTHER not in str(error)


async def test_a_caller_that_is_no_customer_gets_nothing(counter: Counter):
    examples = {"order_id": "88209", "rma": "RMA-1042", "reason": "no longer needed", "problem": "damage"}
    for tool in counter.server.tools:
        needed = {name: examples[name] for name in tool.input_schema.get("required", ()) if name in examples}
        error = await counter.refused(None, tool.name, **needed)
        assert error["code"] == "forbidden_scope"
        assert "shopper token" in error["hint"]
    nobody = counter.caller(None)
    for uri in ("me://orders", "me://orders/88209"):
        with pytest.raises(ForbiddenScope):
            await counter.server.read(nobody, uri)
    with pytest.raises(ForbiddenScope):
        await counter.server.prompt(nobody, "start_a_return", {"order": "88209"})
    reference = {"type": "ref/prompt", "name": "start_a_return"}
    assert (await counter.server.complete(nobody, reference, "order", ""))["values"] == []


@pytest.mark.parametrize("scope", sorted(scope for scope in SCOPES if scope.startswith("me:")))
async def test_each_scope_opens_its_own_tools_only(counter: Counter, scope: str):
    for tool in counter.server.tools:
        result = await counter.server.call(counter.caller(ME, frozenset({scope})), tool.name, {}, None)
        is_open = (result.structured or {}).get("code") != "forbidden_scope"
        assert is_open is (tool.scope == scope), tool.name


async def test_a_customer_that_the_shop_does_not_know_has_nothing(counter: Counter):
    assert (await counter.call("CUST-0", "list_my_orders"))["items"] == []
    assert (await counter.call("CUST-0", "list_my_invoices"))["items"] == []
    told = await counter.refused("CUST-0", "get_my_order", order_id="88209")
    assert told == await counter.refused(ME, "get_my_order", order_id="none-such")


async def test_a_customer_is_named_by_id_number_or_external_id_as_long_as_it_is_one(counter: Counter):
    (me,) = await counter.rows(select(Customer).where(Customer.number == ME))
    theirs = (await counter.call(ME, "list_my_orders"))["items"]
    assert (await counter.call(me.id, "list_my_orders"))["items"] == theirs
    async with counter.database.transaction(me.workspace_id, write=True) as session:
        found = await session.scalar(select(Customer).where(Customer.number == OTHER))
        assert found is not None
        found.external_id = "shop-7"
    assert (await counter.call("shop-7", "list_my_orders"))["items"] != theirs
    async with counter.database.transaction(me.workspace_id, write=True) as session:
        found = await session.scalar(select(Customer).where(Customer.number == OTHER))
        assert found is not None
        found.external_id = ME  # one customer's number is another's id elsewhere: nobody can tell who is meant
    assert (await counter.call(ME, "list_my_orders"))["items"] == []


async def test_a_draft_of_an_invoice_is_none_of_theirs(counter: Counter):
    (row,) = await counter.rows(select(Invoice).where(Invoice.number == "INV-3006"))
    async with counter.database.transaction(row.workspace_id, write=True) as session:
        found = await session.scalar(select(Invoice).where(Invoice.id == row.id))
        assert found is not None
        found.status = "draft"
    owner = "CUST-10505"
    told = await counter.refused(owner, "list_my_invoices", number="INV-3006")
    assert told == await counter.refused(owner, "list_my_invoices", number="none-such")
    assert "INV-3006" not in str(await counter.call(owner, "list_my_invoices"))


async def test_resources_and_prompts_know_their_own_only(counter: Counter):
    mine, server = counter.caller(ME), counter.server
    read = await server.read(mine, "me://orders/88209")
    assert "88209" in read["contents"][0]["text"]
    told = []
    for number in ("none-such", "88201"):
        with pytest.raises(NotFound) as caught:
            await server.read(mine, f"me://orders/{number}")
        with pytest.raises(NotFound) as again:
            await server.prompt(mine, "where_is_my_order", {"order": number})
        told.append((caught.value.as_dict(), again.value.as_dict()))
    assert told[0] == told[1]


async def test_only_their_own_numbers_are_suggested(counter: Counter):
    mine = {order["number"] for order in (await counter.call(ME, "list_my_orders"))["items"]}
    for reference, argument in (
        ({"type": "ref/prompt", "name": "where_is_my_order"}, "order"),
        ({"type": "ref/resource", "uri": "me://orders/{number}"}, "number"),
    ):
        for typed in ("", "8", "#88", "88201", "%", "_"):
            found = await counter.server.complete(counter.caller(ME), reference, argument, typed)
            assert set(found["values"]) <= mine
        everything = await counter.server.complete(counter.caller(ME), reference, argument, "")
        assert set(everything["values"]) == mine
