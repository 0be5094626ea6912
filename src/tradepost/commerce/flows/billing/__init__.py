"""Quotes, invoices and subscriptions."""
