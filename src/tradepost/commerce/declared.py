"""Every module that declares tools, resources or prompts."""

from tradepost.commerce.customers import (
    groups,
    search,
    update,
)
from tradepost.commerce.flows.accounts import (
    customer_detail,
    messages,
    policy_search,
    product_detail,
    product_search,
    tickets,
)
from tradepost.commerce.flows.billing import (
    convert_quote,
    create_invoice,
    create_quote,
    invoice_search,
    subscriptions,
)
from tradepost.commerce.flows.books import (
    payment_search,
)
from tradepost.commerce.flows.changes import (
    cancel_order,
    change_payment,
    edit_items,
    update_address,
)
from tradepost.commerce.flows.claims import (
    claim_evidence,
    claim_search,
    decide_claim,
    file_claim,
    open_claim,
)
from tradepost.commerce.flows.collecting import (
    capture_payment,
    dispute_evidence,
    store_credit,
)
from tradepost.commerce.flows.delivery import (
    assign,
    create_shipment,
    drivers,
    reroute,
    reschedule,
    route_detail,
    shipments,
)
from tradepost.commerce.flows.insight import (
    briefing,
    daily_ops,
    kpis,
    sales,
)
from tradepost.commerce.flows.knowledge import (
    propose_change,
)
from tradepost.commerce.flows.orders import (
    at_risk,
    order_detail,
    order_prompts,
    order_search,
    timeline,
)
from tradepost.commerce.flows.refunds import (
    initiate_refund,
    preview_refund,
)
from tradepost.commerce.flows.returns import (
    approve_return,
    check_eligibility,
    create_exchange,
    decline_return,
    receive_return,
    record_disposition,
    return_prompts,
    return_reads,
    submit_return,
)
from tradepost.commerce.flows.self_service import (
    my_cancel,
    my_invoices,
    my_orders,
    my_problems,
    my_prompts,
    my_return_request,
    my_returns,
    my_tracking,
)
from tradepost.commerce.flows.stock import (
    adjust_stock,
    reserve_stock,
    set_reorder_policy,
    stock_detail,
    stock_lists,
    stock_movements,
    transfer_stock,
)
from tradepost.commerce.flows.supply import (
    create_reorder,
    purchase_orders,
    receive_purchase_order,
    suggest_reorders,
    supply_prompts,
)
from tradepost.commerce.orders import (
    holds,
    notes,
)
from tradepost.commerce.payments import (
    payouts,
    reconcile,
)

MODULES = (
    adjust_stock,
    approve_return,
    assign,
    at_risk,
    briefing,
    cancel_order,
    capture_payment,
    change_payment,
    check_eligibility,
    claim_evidence,
    claim_search,
    convert_quote,
    create_exchange,
    create_invoice,
    create_quote,
    create_reorder,
    create_shipment,
    customer_detail,
    daily_ops,
    decide_claim,
    decline_return,
    dispute_evidence,
    drivers,
    edit_items,
    file_claim,
    groups,
    holds,
    initiate_refund,
    invoice_search,
    kpis,
    messages,
    notes,
    open_claim,
    order_detail,
    order_prompts,
    order_search,
    payment_search,
    payouts,
    policy_search,
    preview_refund,
    product_detail,
    product_search,
    propose_change,
    purchase_orders,
    receive_purchase_order,
    receive_return,
    reconcile,
    record_disposition,
    reroute,
    reschedule,
    reserve_stock,
    return_prompts,
    return_reads,
    route_detail,
    sales,
    search,
    set_reorder_policy,
    shipments,
    stock_detail,
    stock_lists,
    stock_movements,
    store_credit,
    submit_return,
    subscriptions,
    suggest_reorders,
    supply_prompts,
    tickets,
    timeline,
    transfer_stock,
    update,
    update_address,
)

# What a shop's own customer may do. Prompts of theirs have the names of operators' ones.
SHOPPER_MODULES = (
    my_cancel,
    my_invoices,
    my_orders,
    my_problems,
    my_prompts,
    my_return_request,
    my_returns,
    my_tracking,
)
