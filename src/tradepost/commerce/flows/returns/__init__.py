"""Returns and exchanges: eligible, asked for, approved, declined."""
