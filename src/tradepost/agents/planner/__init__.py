"""The planner: which specialists a message is for, and one answer out of theirs."""
