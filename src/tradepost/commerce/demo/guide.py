"""What to try on the demo: some lines for a terminal, and the proposal that waits for approval."""

from dataclasses import dataclass
from typing import Any

from tradepost.commerce.demo.names import CASES


@dataclass(frozen=True, slots=True)
class Proposal:
    """A write that an agent proposes when the demo starts."""

    tool: str
    arguments: dict[str, Any]


PROPOSAL = Proposal(
    "reroute_delivery",
    {
        "delivery_id": CASES["delivery_near_pickup_point"],
        "pickup_point_id": CASES["pickup_point_on_the_way"],
        "reason": "The customer is out; the pickup point is on the way.",
    },
)

TRY_THESE = (
    '1. Ask your client: "Why is order 88213 late, and what can we do?" Or here, in a second terminal:',
    "   {command} call get_order --data {data} --agent supply_chain_manager order_id=88213",
    "2. Let it propose something (this changes nothing yet), then look at what waits for you:",
    "   {command} call create_reorder --data {data} --agent supply_chain_manager "
    'sku=A-100 quantity=100 warehouse_id=RTM "reason=near stockout"',
    "   {command} approvals list --data {data}",
    "3. Approve it as a person, and see who did what:",
    "   {command} approvals approve ID --data {data} --as {approver}",
    "   {command} audit tail --data {data}",
    "4. Talk with the shop's agents (a scripted model answers until you set another: docs/how-to/run-agents.md):",
    '   {command} chat --data {data} --agent planner --once "Why is order 88213 late?"',
)
