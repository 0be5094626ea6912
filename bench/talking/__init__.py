"""What the hub adds when agents answer people: beside a model's own time, with many at once, and before it is asked."""
