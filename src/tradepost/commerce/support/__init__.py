"""Support: policy texts, tickets, messages."""
