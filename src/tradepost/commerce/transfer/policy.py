"""The order policy of the shop a store export comes from. The format implies it: its states and reasons are these."""

from tradepost.commerce.orders.models import OrderPolicy
from tradepost.commerce.orders.policy import rows_for


def policy_rows() -> list[OrderPolicy]:
    """Rows for an imported store: two reasons to cancel, one edit of items and nothing after it, money back to the
    original method or a gift card, one return or exchange per order."""
    return rows_for(
        {
            "cancel_reasons": ["no longer needed", "ordered by mistake"],
            "max_item_edits": 1,
            "locked_after_item_edit": True,
            "item_edit_actions": ["exchange"],
            "exchange_same_product_only": True,
            "exchange_same_variant": False,
            "refund_destinations": ["original", "gift_card"],
            "one_return_or_exchange_per_order": True,
            "return_window_days": None,
            "restocking_fee_bps": 0,
        }
    )
