"""Reading orders: one, many, those in danger, and why they are late."""
