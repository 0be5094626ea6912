"""Saying no to a return, with the reason and the clause."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import func, or_, select
from typing_extensions import TypedDict

from tradepost.commerce.flows.returns.return_reads import RmaReference
from tradepost.commerce.flows.returns.return_views import within_window
from tradepost.commerce.flows.told import mail_goes_out
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import load_rules
from tradepost.commerce.returns.models import Return, ReturnLine
from tradepost.commerce.returns.states import RETURN_TRANSITIONS
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import require_step, step
from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import PolicyClause
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean

DeclineReason = Literal[
    "outside_window",
    "not_returnable",
    "not_delivered",
    "wrong_condition",
    "duplicate",
    "fraud_suspected",
    "other",
]

Reason = Annotated[DeclineReason, Field(description="Why it is declined.", examples=["outside_window"])]
Clause = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=100,
        description="The policy clause it rests on, by number; left out: the one of the return window, if it closed.",
        examples=["RET-1"],
    ),
]
Notify = Annotated[bool, Field(description="Send the customer an e-mail.", examples=[False])]


class DeclinedReturn(TypedDict):
    """A return that was declined."""

    return_id: str
    rma: str
    version: int
    return_status: str
    order_number: str
    decline_code: str
    decline_clause: str
    allowed_next: list[str]


@write_tool(title="Decline return", scope="write:returns", destructive=True, open_world=True)
async def decline_return(
    store: Store, rma: RmaReference, reason: Reason, clause: Clause = None, notify_customer: Notify = False
) -> Answer[DeclinedReturn]:
    """Decline a requested return, citing the policy clause. Use after get_return, when the request does not fit the
    policy. Not for approved returns and not to wait for an answer. Final: the RMA cannot be reopened, but its items may
    be asked for again. Moves no money. The customer is told only with notify_customer. Returns the state, code and
    clause."""
    seen = await store.find(Return, rma, field="rma")
    order = await store.lock(Order, seen.order_id)
    row = await store.primary(Return, seen.id, field="rma")
    require_step(row, "declined", RETURN_TRANSITIONS)
    cited = await _known_clause(store, clause or await _window_clause(store, row, reason))
    await _release_lines(store, row)
    step(row, "declined", RETURN_TRANSITIONS)
    row.decline_code, row.decline_clause = reason, cited
    row.closed_at = store.now
    if notify_customer:
        await mail_goes_out(store, row.customer_id, f"the refusal of {row.number} and its clause")
    store.emit("return:declined", row, order_id=order.id, reason=reason, clause=cited, notify_customer=notify_customer)
    await store.session.flush()
    data: DeclinedReturn = {
        "return_id": row.id,
        "rma": row.number,
        "version": row.version,
        "return_status": row.status,
        "order_number": order.number,
        "decline_code": reason,
        "decline_clause": cited,
        "allowed_next": list(RETURN_TRANSITIONS.get(row.status, ())),
    }
    return Answer(data, f"{row.number} is declined: {reason.replace('_', ' ')}, clause {cited}.")


async def _window_clause(store: Store, row: Return, reason: str) -> str:
    """The clause of the return window, for a return that missed it. Raises InvalidArgument for any other."""
    found = (await load_rules(store)).clause("return_window_days")
    if found is not None and reason == "outside_window" and not within_window(row):
        return found
    raise InvalidArgument(
        f"Declining {row.number} as {reason.replace('_', ' ')} needs the policy clause it rests on.",
        hint="search_policies shows the clauses.",
        field="clause",
    )


async def _known_clause(store: Store, clause: str) -> str:
    """The clause's number. A shop that keeps its policies here must have it; one that does not may cite freely."""
    wanted = clause.strip()
    found = await store.one_or_none(
        select(PolicyClause).where(or_(func.lower(PolicyClause.clause) == wanted.lower(), PolicyClause.id == wanted))
    )
    if found is not None:
        return found.clause
    known = await store.all(select(PolicyClause).where(PolicyClause.topic == "returns").order_by(PolicyClause.position))
    if known:
        listed = ", ".join(row.clause for row in known[:10])
        raise InvalidArgument(
            f"The shop has no policy clause '{clean(wanted, 60)}'.",
            hint=f"Clauses on returns: {listed}.",
            field="clause",
        )
    return clean(wanted, 100)


async def _release_lines(store: Store, row: Return) -> None:
    """The units of a declined return may be asked for again."""
    back: Counter[str] = Counter()
    for line in await store.all(select(ReturnLine).where(ReturnLine.return_id == row.id)):
        back[line.order_line_id] += line.quantity
    statement = select(OrderLine).where(OrderLine.id.in_(sorted(back))).order_by(OrderLine.id)
    for sold in await store.lock_all(statement.execution_options(populate_existing=True)):
        sold.return_requested = max(sold.return_requested - back[sold.id], 0)


TOOLS = (decline_return,)
