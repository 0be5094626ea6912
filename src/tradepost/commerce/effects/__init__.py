"""What a write does outside the store: planned from the outbox, sent with retries, its state kept."""
