"""Catalog: products and the variants that are sold."""
