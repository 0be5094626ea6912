"""Payments: captures, refunds, disputes, payouts and their reconciliation."""
