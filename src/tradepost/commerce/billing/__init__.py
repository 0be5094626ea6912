"""Billing: invoices, quotes, subscriptions."""
