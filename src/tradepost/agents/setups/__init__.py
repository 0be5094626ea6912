"""Agents as data: role, instructions, model, limits and prompts of the agents that the hub knows."""
