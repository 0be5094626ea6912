"""Refunds: what could be paid back, and paying it back."""
