"""Changing and canceling orders: items, address, payment, with the money that moves."""
