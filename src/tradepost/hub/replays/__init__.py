"""Answers kept for those who repeat a request with the same idempotency key."""
