"""Signs that a text wants something of a model: for people who decide, never a decision."""
