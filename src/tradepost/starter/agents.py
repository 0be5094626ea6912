"""The ready-made agents: who they are for and which tools they see, in the order a model should read them."""

from dataclasses import dataclass

from tradepost.hub.access.models import Posture
from tradepost.starter.instructions import CARE, PRODUCTS, RETURNS, SHOPPERS, SUPPLY_CHAIN, WAREHOUSE

PII = "read:customers.pii"


@dataclass(frozen=True, slots=True)
class ReadyProfile:
    """A profile that comes along. `tools` are assigned to the whole profile, for whoever acts for it."""

    slug: str
    name: str
    posture: Posture
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadyAgent:
    """An agent that comes along. Tools that this release does not have are left out; its scopes are those its tools
    need, and `extra_scopes`. Who is for the shop's customers gets no key."""

    slug: str
    profile: str
    name: str
    description: str
    tools: tuple[str, ...]
    extra_scopes: tuple[str, ...] = ()
    role: str = "specialist"
    instructions: str = ""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PROFILES = (
    ReadyProfile("internal", "Internal: proposes, people approve", "propose"),
    ReadyProfile("trusted", "Trusted: writes within guardrails", "guarded"),
    ReadyProfile(
        "shoppers",
        "Shoppers: the shop's own customers",
        "customer",
        _names(
            """list_my_orders get_my_order track_my_order cancel_my_order check_my_return start_my_return get_my_return
            report_my_problem list_my_invoices search_policies search_products get_product"""
        ),
    ),
)

AGENTS = (
    ReadyAgent(
        "supply_chain_manager",
        "internal",
        "Supply-chain manager",
        "Orders, stock, purchasing, deliveries, returns, claims and money at a glance; proposes reorders and reroutes.",
        _names(
            """search_orders get_order list_at_risk_orders add_order_note set_order_hold check_inventory
            list_stock_levels list_low_stock list_stock_movements transfer_stock suggest_reorders list_purchase_orders
            create_reorder get_shipping_status search_shipments list_deliveries list_drivers assign_driver
            reroute_delivery search_returns get_return approve_return search_claims search_payments list_payouts
            reconcile_settlement list_disputes get_customer search_policies get_ops_kpis"""
        ),
        instructions=SUPPLY_CHAIN,
    ),
    ReadyAgent(
        "returns_specialist",
        "trusted",
        "Returns specialist",
        "Returns, exchanges, refunds and claims from request to money.",
        _names(
            """search_orders get_order cancel_order update_order_address get_customer search_customers search_products
            get_product check_inventory search_returns get_return check_return_eligibility submit_return approve_return
            decline_return receive_return record_return_disposition create_exchange preview_refund initiate_refund
            apply_store_credit search_payments search_claims open_claim add_claim_evidence get_shipping_status
            search_policies create_ticket send_customer_message escalate_to_human"""
        ),
        (PII,),
        instructions=RETURNS,
    ),
    ReadyAgent(
        "warehouse_lead",
        "trusted",
        "Warehouse lead",
        "Stock, receipts, shipments, drivers and the returns bench of the warehouses.",
        _names(
            """search_orders get_order check_inventory list_stock_levels list_low_stock list_stock_movements
            reserve_stock adjust_stock transfer_stock list_purchase_orders receive_purchase_order create_shipment
            search_shipments get_shipping_status list_deliveries list_drivers assign_driver reschedule_delivery
            search_returns get_return receive_return record_return_disposition search_claims open_claim
            add_claim_evidence file_carrier_claim search_products search_policies get_ops_kpis escalate_to_human"""
        ),
        instructions=WAREHOUSE,
    ),
    ReadyAgent(
        "customer_care",
        "trusted",
        "Customer care",
        "A customer's orders: where they are, what can be changed, canceled, returned or exchanged.",
        _names(
            """search_customers get_customer update_customer search_orders get_order cancel_order update_order_address
            update_order_payment_method edit_order_items check_return_eligibility submit_return get_return
            create_exchange preview_refund search_products get_product check_inventory get_shipping_status
            search_policies escalate_to_human"""
        ),
        (PII,),
        instructions=CARE,
    ),
    ReadyAgent(
        "product_expert",
        "internal",
        "Product expert",
        "Products, stock and policies; sees no orders and no customers.",
        _names("search_products get_product check_inventory search_policies get_ops_kpis"),
        instructions=PRODUCTS,
    ),
    ReadyAgent(
        "planner",
        "internal",
        "Planner",
        "Takes any request of the team and hands it to the right specialist, or to several at once.",
        (),
        role="planner",
    ),
    ReadyAgent(
        "shopper_assistant",
        "shoppers",
        "Shopper's assistant",
        "Helps the shop's own customers with their orders, returns and questions.",
        (),
        role="shopper",
        instructions=SHOPPERS,
    ),
)
