"""A long history for the demo shop: up to millions of orders of two years, nearly all of them done and delivered, told
week by week beside the shop's own two months. Nothing of the shop's named cases is touched."""

from tradepost.commerce.demo.volume.loading import MOST_ORDERS, Loaded, bring_to, require_count

__all__ = ["MOST_ORDERS", "Loaded", "bring_to", "require_count"]
