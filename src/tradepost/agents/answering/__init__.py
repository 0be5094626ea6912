"""Answering a message: one agent alone, or a planner with its specialists."""
