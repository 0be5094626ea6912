"""The named servers of the shop: which tools, resources and prompts each one groups. A team may run any one alone.

By name alone, so that a hub can say what it has before it has loaded any of it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """A server by the names of what it groups, in the order a client sees them; `for_customers` where it is customers
    of the shop whom it serves."""

    slug: str
    title: str
    instructions: str
    tools: str
    resources: str = ""
    prompts: str = ""
    for_customers: bool = False


PLANS = (
    Plan(
        "orders",
        "Orders",
        "Orders: find them, see why one is late, and change them while that is still possible.",
        """search_orders get_order list_at_risk_orders add_order_note set_order_hold update_order_address
        edit_order_items update_order_payment_method cancel_order""",
        "order://{number} order://{number}/timeline",
        "investigate_late_shipment where_is_my_order",
    ),
    Plan(
        "inventory",
        "Inventory",
        "Stock by warehouse and state, what runs low, how it moved; corrections, transfers and reorder policies.",
        """check_inventory list_stock_levels list_low_stock list_stock_movements reserve_stock adjust_stock
        transfer_stock set_reorder_policy""",
        "warehouse://{id}/stock stock://{sku}",
    ),
    Plan(
        "purchasing",
        "Purchasing",
        "What to reorder and why, open purchase orders, reorders, and goods that arrive.",
        "suggest_reorders list_purchase_orders create_reorder receive_purchase_order",
        "po://{id}",
        "review_reorders",
    ),
    Plan(
        "logistics",
        "Logistics",
        "Parcels and their tracking, deliveries, routes and drivers.",
        """get_shipping_status search_shipments list_deliveries list_drivers assign_driver reroute_delivery
        reschedule_delivery create_shipment""",
        "shipment://{id} route://{id} driver://{id}",
        "driver_unavailable carrier_delay_impact",
    ),
    Plan(
        "returns",
        "Returns",
        "Returns and exchanges by the shop's policy, from the request over the bench to the outcome.",
        """search_returns get_return check_return_eligibility submit_return approve_return decline_return
        receive_return record_return_disposition create_exchange""",
        "return://{rma}",
        "triage_returns_queue inspect_return start_a_return",
    ),
    Plan(
        "claims",
        "Claims",
        "Claims for damage, loss and shortage: their deadlines, evidence, filing and outcome.",
        "search_claims open_claim add_claim_evidence file_carrier_claim decide_claim",
        "claim://{id}",
        "build_damage_claim",
    ),
    Plan(
        "payments",
        "Payments",
        "Payments, refunds, disputes and payouts, and whether they add up.",
        """search_payments preview_refund initiate_refund capture_payment apply_store_credit list_disputes
        submit_dispute_evidence list_payouts reconcile_settlement""",
        "payment://{id} payout://{id}",
        "reconcile_payout refund_decision",
    ),
    Plan(
        "billing",
        "Billing",
        "Quotes, invoices and subscriptions.",
        """list_invoices create_invoice create_quote convert_quote list_subscriptions pause_subscription
        cancel_subscription""",
        "invoice://{number} quote://{id}",
    ),
    Plan(
        "customers",
        "Customers",
        "Accounts: who they are, what they bought, how they pay.",
        "search_customers get_customer update_customer list_customer_groups",
        "customer://{id}",
    ),
    Plan(
        "support",
        "Support",
        "The shop's policies, clause by clause, proposals to change them, tickets, and handing over to a person.",
        "search_policies propose_policy_change create_ticket send_customer_message escalate_to_human",
        "policy://returns policy://shipping policy://approvals",
    ),
    Plan(
        "catalog",
        "Catalog",
        "Products, their variants, prices and availability.",
        "search_products get_product",
        "product://{sku}",
    ),
    Plan(
        "analytics",
        "Analytics",
        "Key figures of the operation and of sales.",
        "get_ops_kpis get_sales_report",
        "report://daily-ops/{date}",
        "daily_supply_chain_briefing",
    ),
    Plan(
        "self_service",
        "Self-service",
        "What a signed-in customer of the shop may see and do with their own orders, returns and invoices.",
        """list_my_orders get_my_order track_my_order cancel_my_order check_my_return start_my_return get_my_return
        report_my_problem list_my_invoices""",
        "me://orders me://orders/{number}",
        "where_is_my_order start_a_return",
        for_customers=True,
    ),
)
