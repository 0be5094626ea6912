"""Customers, products and policies with what other domains know of them."""
