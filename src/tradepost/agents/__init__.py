"""Agents: a planner, its specialists, and the conversations people have with them. They reach tools only through the
ToolDoor declared in `ports`, as callers of their own; the hub stands behind it."""
