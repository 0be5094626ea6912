"""The hub's outbox."""
