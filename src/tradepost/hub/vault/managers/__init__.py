"""Secrets that stay where a company keeps them: references to them, read when needed, never written down."""
