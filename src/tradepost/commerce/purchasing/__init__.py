"""Purchasing: suppliers, what they offer, and orders to them."""
