"""Results that are more than a tool may give: what goes out at once, and the rest, piece by piece."""
