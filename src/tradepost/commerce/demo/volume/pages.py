"""The sheets that one week of history fills: which columns its rows tell."""

from tradepost.commerce.claims.models import Claim
from tradepost.commerce.demo.volume.sheets import Sheet
from tradepost.commerce.inventory.models import StockMovement
from tradepost.commerce.logistics.models import Delivery, Fulfillment, FulfillmentLine, Shipment, TrackingEvent
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Dispute, Payment, Payout, Refund, RefundLine, SettlementLine
from tradepost.commerce.returns.models import Return, ReturnLine

_TOLD = (
    (
        "orders",
        Order,
        "id number customer_id customer_position status payment_status fulfillment_status currency subtotal_minor "
        "shipping_minor tax_minor total_minor captured_minor refunded_minor placed_at promised_from promised_to "
        "picked_at delivered_at canceled_at warehouse_id channel po_number shipping_address cancel_reason sold_units "
        "undelivered carrier_ids created_at updated_at",
    ),
    (
        "lines",
        OrderLine,
        "id order_id position variant_id product_id sku name options quantity fulfilled shipped delivered "
        "return_requested return_received unit_price_minor total_minor refunded_minor status placed_at picked_at "
        "promised_to warehouse_id order_status payment_status fulfillment_status "
        "created_at updated_at",
    ),
    (
        "payments",
        Payment,
        "id number order_id sequence method_id psp_reference status currency amount_minor captured_minor "
        "refunded_minor refund_states authorized_at captured_at created_at updated_at",
    ),
    ("fulfillments", Fulfillment, "id order_id sequence status location_id created_at updated_at"),
    ("packed", FulfillmentLine, "id fulfillment_id position order_line_id variant_id quantity"),
    (
        "shipments",
        Shipment,
        "id number order_id fulfillment_id location_id carrier_id service_level tracking_number status shipped_at eta "
        "promised_to delivered_at last_event_at delay_reason proof_of_delivery cost_minor currency created_at "
        "updated_at",
    ),
    ("scans", TrackingEvent, "id shipment_id occurred_at status location carrier_code message raw_code"),
    (
        "deliveries",
        Delivery,
        "id number order_id shipment_id start_location_id driver_id status window_from window_to eta completed_at "
        "address created_at updated_at",
    ),
    (
        "returns",
        Return,
        "id number order_id customer_id status refund_method_id currency location_id window_ends_at requested_at "
        "approved_at received_at closed_at label created_at updated_at",
    ),
    (
        "return_lines",
        ReturnLine,
        "id return_id position order_line_id variant_id sku quantity received reason condition disposition "
        "requested_at return_status resolution location_id created_at updated_at",
    ),
    (
        "refunds",
        Refund,
        "id number order_id payment_id return_id sequence method_id reason currency amount_minor lines_minor "
        "refunded_at created_at updated_at",
    ),
    ("refund_lines", RefundLine, "id refund_id order_line_id quantity amount_minor created_at updated_at"),
    (
        "claims",
        Claim,
        "id number type side status liability order_id shipment_id carrier_id customer_id currency claimed_minor "
        "opened_at file_by decided_at created_at updated_at",
    ),
    (
        "disputes",
        Dispute,
        "id number payment_id order_id status reason_code currency amount_minor opened_at evidence_due_by created_at "
        "updated_at",
    ),
    (
        "payouts",
        Payout,
        "id number status currency gross_minor fees_minor net_minor period_from period_to arrives_at paid_at "
        "created_at updated_at",
    ),
    (
        "settled",
        SettlementLine,
        "id payout_id position type reference currency gross_minor fee_minor net_minor occurred_at created_at "
        "updated_at",
    ),
    ("moves", StockMovement, "id sku location_id state delta on_hand_delta cause reference actor occurred_at"),
)


def empty_sheets(workspace_id: str) -> dict[str, Sheet]:
    """A sheet for each table that a week's orders write to."""
    return {name: Sheet(model, workspace_id, told) for name, model, told in _TOLD}
