"""Whether a call is allowed, denied, or asks a person: pure functions over plain values."""
