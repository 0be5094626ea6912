"""Scoring: what an answer says, which tools were called, what was approved, and what the store looks like then."""
